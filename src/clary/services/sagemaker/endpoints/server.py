"""The work of one instance: the model server of a variant."""

from clary.engines.models import base
from clary.engines.runners.base import Archive, StartError, Tree, Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, inputs, models, roles, scripts, serverless
from clary.services.sagemaker.endpoints import many
from clary.services.sagemaker.endpoints.machine import containers as containers_of
from clary.services.sagemaker.engines import Engines

MODEL = "/opt/ml/model"


async def work_of(engines: Engines, endpoint: Resource, variant: Doc, uid: str, place: int = 0) -> Work:
    """The server of the variant's container of that place, with its model unpacked, acting as the model's role. Raises
    inputs.InputError, roles.NotAssumable."""
    container = containers_of(variant)[place]
    uri = container["Image"]
    image = await containers.resolve(engines, endpoint, uri, variant["role"])
    start = containers.start(image, "serve")
    several = models.is_multi_model(container)
    if several and start.image is not None:
        raise StartError(f"{uri} is run by the container engine, where Mode MultiModel is not served")
    archives, trees = ((), ()) if several else await _model(engines, endpoint, container, variant["role"], uid)
    environ = container.get("Environment") or {}
    ctx = roles.context(engines, endpoint, variant["role"]) if variant["role"] else None
    prepared = await scripts.serving(ctx, engines, image, start.command, environ, archives, uid)
    isolated = variant.get("isolated", True)  # a deployment that does not say was made before there was a choice
    # A run without a network cannot use keys, so it gets none.
    reach = roles.lasting_environment(engines, endpoint, variant["role"]) if variant["role"] and not isolated else {}
    return Work(
        command=prepared.command,
        image=start.image,
        entrypoint=start.entrypoint,
        env={
            **prepared.env,
            "AWS_REGION": endpoint.region,
            "AWS_DEFAULT_REGION": endpoint.region,
            "SAGEMAKER_REGION": endpoint.region,
            **reach,
            **(many.environment(engines) if several else {}),
            **environ,
            "CLARY_IMAGE": uri,
        },
        directories=(MODEL, base.MODELS) if several else (MODEL,),
        archives=(*archives, *prepared.archives),
        python=prepared.python,
        shown=prepared.shown,
        trees=trees,
        cpus=engines.max_cpus,
        memory_bytes=serverless.memory_bytes(variant, engines.max_memory_bytes),
        network=not isolated,
        serves=True,
        companions=(base.command(many.told(engines, endpoint, variant, container, uid)),) if several else (),
    )


async def _model(
    engines: Engines, endpoint: Resource, container: Doc, role: str, uid: str
) -> tuple[tuple[Archive, ...], tuple[Tree, ...]]:
    scratch = engines.scratch / uid
    source: Doc = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    url = source.get("S3Uri") or container.get("ModelDataUrl")
    if not url:
        return (), ()
    ctx = roles.context(engines, endpoint, role)
    if source and source["CompressionType"] == "None":
        return (), (await inputs.tree(ctx, engines.objects, scratch, MODEL, {"S3Uri": source["S3Uri"]}),)
    return (Archive(MODEL, await inputs.local_file(ctx, engines.objects, scratch, url)),), ()
