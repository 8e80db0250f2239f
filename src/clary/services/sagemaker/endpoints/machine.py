"""The life of an endpoint, and what a deployment of it is.

A deployment is a document in the endpoint's status, complete in itself: an endpoint goes on serving, also after a
reboot, when its configuration and models have been deleted.

    {"generation": 1, "config": "name", "started": 1700000000.0,
     "variants": [{"name": "AllTraffic", "model": "m", "how": "native", "containers": [{...}], "direct": False,
                   "role": "arn:...", "isolated": False, "count": 1, "weight": 1.0, "patience": 480.0}]}

`_target` is the deployment that is asked and not yet true, `_live` the one that serves. A new configuration makes a new
generation with instances of its own; new weights and counts make a target of the same generation, which shares them.
A serverless variant has "serverless", its ServerlessConfig, and an asynchronous endpoint's deployment "asynchronous",
the AsyncInferenceConfig. `how` names the way in which a variant's instances are run, see instances.py.
"""

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.services.sagemaker import compiling, endpoint_configs, models, serverless
from clary.services.sagemaker.capturing import rules
from clary.services.sagemaker.endpoints.instances import COMPILED, NATIVE
from clary.services.sagemaker.errors import could_not_find

KIND = "endpoint"
LOG_GROUP = "/aws/sagemaker/Endpoints"
PATIENCE_SECONDS = 480.0
"""How long an instance may take to answer /ping where the variant does not say."""

ENDPOINT = StateMachine(
    "EndpointStatus",
    "Creating",
    {
        "Creating": {"InService", "Failed", "Deleting"},
        "InService": {"Updating", "SystemUpdating", "OutOfService", "Deleting"},
        "Updating": {"InService", "RollingBack", "Deleting"},
        "SystemUpdating": {"InService", "RollingBack", "Deleting"},
        "RollingBack": {"InService", "UpdateRollbackFailed", "Deleting"},
        "UpdateRollbackFailed": {"InService", "Updating", "Deleting"},
        "OutOfService": {"Updating", "Deleting"},
        "Failed": {"Deleting"},
        "Deleting": set(),
    },
)


async def deployment(ctx: Context, config: Resource, generation: int) -> Doc:
    """The configuration with its models, as they are now. Raises ValidationException."""
    variants = [await _variant(ctx, variant) for variant in config.spec["ProductionVariants"]]
    capture = rules.asked(config.spec, variants)
    made = {
        "generation": generation,
        "config": config.name,
        "started": ctx.clock.now(),
        "variants": variants,
        **capture,
    }
    if config.spec.get("ShadowProductionVariants"):
        made["shadows"] = [await _variant(ctx, variant) for variant in config.spec["ShadowProductionVariants"]]
    asynchronous = config.spec.get("AsyncInferenceConfig")
    return made if asynchronous is None else {**made, "asynchronous": asynchronous}


async def _variant(ctx: Context, variant: Doc) -> Doc:
    model = models.find(ctx, variant["ModelName"])
    several = models.containers(model)
    for container in several:
        await models.check_data(ctx, container, model.spec.get("ExecutionRoleArn"), model.arn)
    role, direct = model.spec.get("ExecutionRoleArn", ""), models.mode(model.spec) == models.DIRECT
    asked = await compiling.ask(ctx, several, role, model.arn, direct=direct)
    return {
        "name": variant["VariantName"],
        "model": model.name,
        "how": NATIVE if asked.name is None else COMPILED,
        "compilation": asked.name,
        "why": asked.why,
        "containers": several,
        "direct": direct,
        "role": role,
        "isolated": model.spec.get("EnableNetworkIsolation", False),
        **serverless.begins(variant),
        "weight": float(variant.get("InitialVariantWeight", 1.0)),
        "patience": float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", PATIENCE_SECONDS)),
    }


def containers(variant: Doc) -> list[Doc]:
    """The containers of a variant, in the order in which a request passes them."""
    several: list[Doc] = variant.get("containers") or [variant["container"]]  # older documents name the only one
    return several


KINDS = ("variants", "shadows")
"""The members of a deployment that list variants."""


def every_variant(deployment: Doc) -> list[Doc]:
    """Its production variants, then its shadow variants: all that have instances. Their names differ."""
    return [one for kind in KINDS for one in deployment.get(kind) or ()]


def find(ctx: Context, name: str) -> Resource:
    """The endpoint of that name. Raises ValidationException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, name)
    except Missing:
        raise could_not_find("endpoint", ctx.arn("sagemaker", f"endpoint/{name}")) from None


def find_config(ctx: Context, name: str) -> Resource:
    """The endpoint configuration of that name. Raises ValidationException."""
    return endpoint_configs.find(ctx, name)


def check_updatable(endpoint: Resource) -> None:
    """Raises ValidationException in AWS's words unless the endpoint can take a new target now."""
    if "Updating" in ENDPOINT.moves.get(endpoint.phase, ()):
        return
    if endpoint.phase == "Failed":
        raise ValidationException(
            f'Cannot update endpoint "{endpoint.arn}" in status Failed: delete it and create it again.'
        )
    raise ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')
