"""Instances of multi-model endpoints: the container holds models, and the door before it fetches them as the model's
role. The door is told where from, and with which keys, by a file that is written again before the keys lapse."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from clary.engines.models import base
from clary.engines.runners.base import Run
from clary.jobs import locations
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import roles
from clary.services.sagemaker.engines import Engines

LASTS_SECONDS: Final = 6 * 3600.0
"""How long the keys are good for; they are replaced when half of it is over."""


def environment(engines: Engines) -> dict[str, str]:
    """What the container is told."""
    return {
        "SAGEMAKER_MULTI_MODEL": "true",
        "CLARY_MULTI_MODEL_MEMORY_BYTES": str(engines.multi_model_memory_bytes),
    }


def told(engines: Engines, endpoint: Resource, variant: Doc, container: Doc, uid: str) -> Path:
    """The file for the door of the instance stands. Raises roles.NotAssumable."""
    at = locations.parse(container["ModelDataUrl"])
    prefix = at.key if not at.key or at.key.endswith("/") else f"{at.key}/"
    setting = (container.get("MultiModelConfig") or {}).get("ModelCacheSetting", "Enabled")
    path, role = _path(engines, uid), variant["role"]
    said = base.Told(
        engines.endpoint_url,
        endpoint.region,
        at.bucket,
        prefix,
        **_keys(engines, endpoint, role),
        role=role,
        most=engines.multi_model_count,
        keep=setting != "Disabled",
        account=endpoint.account,
        endpoint=endpoint.name,
        variant=variant["name"],
    )
    base.write(path, said)
    return path


def seen(engines: Engines, endpoint: Resource, uid: str, run: Run) -> Run:
    """The run, with the address of its door where it has one, and keys that are fresh."""
    path = _path(engines, uid)
    if run.address is None or not path.exists():
        return run
    said = base.read(path)
    if said.expires - engines.clock.now() < LASTS_SECONDS / 2:
        with suppress(roles.NotAssumable):  # then nothing more is fetched, and who asks for a model is told so
            base.write(path, replace(said, **_keys(engines, endpoint, said.role)))
    return replace(run, address=base.address(run.address))


def _keys(engines: Engines, endpoint: Resource, role: str) -> Doc:
    acting_as = roles.context(engines, endpoint, role).principal
    expires = engines.clock.now() + LASTS_SECONDS
    keys = engines.keys.issue(acting_as, expires)
    return {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token or "",
        "expires": expires,
    }


def _path(engines: Engines, uid: str) -> Path:
    return engines.scratch / uid / "models.json"
