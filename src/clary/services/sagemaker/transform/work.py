"""From the accepted request of a transform job to the works of its hosts: servers, and what sends to them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from clary.engines.runners.base import Tree, Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import inputs, roles
from clary.services.sagemaker.endpoints import server
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.transform.machine import MOST_MB, hosts

CONFIG: Final = "/opt/ml/input/config/transform.json"
DATA: Final = "/opt/ml/input/data"
OUTPUT: Final = "/opt/ml/output/data"
TIMEOUT_SECONDS: Final = 600
RETRIES: Final = 3
"""InvocationsTimeoutInSeconds and InvocationsMaxRetries where the request sets none, as AWS documents them."""
PAUSE_SECONDS: Final = 0.5
"""Before the first retry of a request; twice as long before each further one."""
_MEGABYTE: Final = 1 << 20
_STRATEGIES: Final = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}


async def server_of(engines: Engines, job: Resource, container: int, uid: str) -> Work:
    """The server of one container of the model. Raises inputs.InputError, roles.NotAssumable, StartError."""
    model: Doc = job.status["_model"]
    chosen: Doc = model["containers"][container]
    env = {**batch_environment(job.spec), **(chosen.get("Environment") or {}), **(job.spec.get("Environment") or {})}
    variant = {"container": {**chosen, "Environment": env}, "role": model["role"], "isolated": model["isolated"]}
    return await server.work_of(engines, job, variant, uid)


def batch_environment(spec: Doc) -> dict[str, str]:
    """What a container is told of the job that it serves: the last three only where the request says so."""
    told = {"SAGEMAKER_BATCH": "true"}
    if spec.get("MaxPayloadInMB") is not None:
        told["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(spec["MaxPayloadInMB"])
        told["MAX_CONTENT_LENGTH"] = str((spec["MaxPayloadInMB"] or MOST_MB) * _MEGABYTE)
    if spec.get("BatchStrategy"):
        told["SAGEMAKER_BATCH_STRATEGY"] = _STRATEGIES[spec["BatchStrategy"]]
    if spec.get("MaxConcurrentTransforms"):
        told["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(spec["MaxConcurrentTransforms"])
    return told


async def senders_of(
    engines: Engines, job: Resource, addresses: Sequence[Sequence[str]], scratch: Path
) -> tuple[Work, ...]:
    """One work a host: its part of the objects, and the addresses of its servers. Raises inputs.InputError,
    roles.NotAssumable."""
    spec = job.spec
    ctx = roles.context(engines, job, job.status["_model"]["role"])
    source = {**spec["TransformInput"]["DataSource"]["S3DataSource"], "S3DataDistributionType": "ShardedByS3Key"}
    trees = await inputs.trees(ctx, engines.objects, scratch, DATA, source, hosts(job))
    return tuple(_sender(engines, spec, tree, own) for tree, own in zip(trees, addresses, strict=True))


def _sender(engines: Engines, spec: Doc, tree: Tree, addresses: Sequence[str]) -> Work:
    peers = {f"CLARY_CONTAINER_{number}": address for number, address in enumerate(addresses)}
    told = _told(spec, [name for name, _ in tree.files], list(peers))
    return Work(
        # A run of its own, not a part of the server's: it holds all that the server must not touch (the outputs, and
        # which inputs are done), it ends with an exit code of its own, and nothing of it burdens the control process.
        command=(sys.executable, "-m", "clary.algorithms.transformer"),
        files={CONFIG: json.dumps(told).encode()},
        directories=(DATA, OUTPUT),
        trees=(replace(tree, target=DATA),),
        cpus=engines.max_cpus,
        memory_bytes=engines.max_memory_bytes,
        network=any(not address.startswith("unix:") for address in addresses),
        peers=peers,
    )


def _told(spec: Doc, objects: list[str], upstreams: list[str]) -> Doc:
    """transform.json."""
    given, wanted = spec["TransformInput"], spec["TransformOutput"]
    client: Doc = spec.get("ModelClientConfig") or {}
    processing: Doc = spec.get("DataProcessing") or {}
    return {
        "objects": objects,
        "upstreams": upstreams,
        "content_type": given.get("ContentType") or None,
        "accept": wanted.get("Accept") or None,
        "split": given.get("SplitType", "None"),
        "strategy": spec.get("BatchStrategy"),
        "assemble": wanted.get("AssembleWith", "None"),
        "gzip": given.get("CompressionType", "None") == "Gzip",
        "max_payload_mb": spec.get("MaxPayloadInMB"),
        "max_concurrent": spec.get("MaxConcurrentTransforms"),
        "timeout": client.get("InvocationsTimeoutInSeconds", TIMEOUT_SECONDS),
        "retries": client.get("InvocationsMaxRetries", RETRIES),
        "pause": PAUSE_SECONDS,
        "input_filter": processing.get("InputFilter", "$").strip(),
        "output_filter": processing.get("OutputFilter", "$").strip(),
        "join": processing.get("JoinSource", "None") == "Input",
    }
