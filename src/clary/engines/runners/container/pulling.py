"""An image comes into the engine from our own registry. Blocks: call in a thread."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from clary.engines.runners.base import StartError
from clary.engines.runners.container.api import EngineError
from clary.engines.runners.container.engine import Engine


def local(engine: Engine, reference: str) -> str | None:
    """The id of the engine's own image; None: it has none. Raises StartError."""
    try:
        found = engine.api.image(reference)
    except (EngineError, OSError) as error:
        raise StartError(f"the container engine could not look for the image {reference}: {error}") from None
    return None if found is None else str(found["Id"])


def pulled(engine: Engine, reference: str, username: str, password: str) -> str:
    """The id of the image, which the engine has now; layers that it had are not carried again. Raises StartError."""
    found = local(engine, reference)
    if found is not None:
        return found
    try:
        for said in _said(engine, reference, username, password):
            if isinstance(said, dict) and said.get("error"):
                raise StartError(f"the image {reference} could not be pulled: {said['error']}")
    except (EngineError, OSError) as error:
        raise StartError(f"the image {reference} could not be pulled: {error}") from None
    found = local(engine, reference)
    if found is None:
        raise StartError(f"the image {reference} was pulled, and the container engine does not have it")
    return found


def _said(engine: Engine, reference: str, username: str, password: str) -> Iterator[Any]:
    server = reference.partition("/")[0]
    said = json.dumps({"username": username, "password": password, "serveraddress": server}).encode()
    headers = {"X-Registry-Auth": base64.urlsafe_b64encode(said).decode()}
    if engine.podman:
        # Docker takes loopback registries without TLS by itself; Podman must be told.
        query = {"reference": reference, "tlsVerify": "false"}
        return engine.api.lines("POST", "/v4.0.0/libpod/images/pull", query=query, headers=headers)
    name, _, digest = reference.partition("@")
    return engine.api.lines("POST", "/images/create", query={"fromImage": name, "tag": digest}, headers=headers)
