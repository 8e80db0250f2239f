"""A request for an asynchronous inference becomes a row, and only then is it answered."""

import asyncio
from collections.abc import Callable
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.jobs.locations import Location, parse
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import endpoints
from clary.services.sagemaker.asynchronous.machine import INLINE_BYTES, INVOCATION, KIND, TTL_SECONDS, input_file
from clary.services.sagemaker.engines import Engines

_KEPT: Final = (
    *("EndpointName", "InputLocation", "ContentType", "Accept", "CustomAttributes"),
    *("RequestTTLSeconds", "InvocationTimeoutSeconds"),
)


class ValidationError(ServiceError):
    """Inspect your request and try again."""


class Accepting:
    """What InvokeEndpointAsync does."""

    def __init__(self, engines: Engines, accepted: Callable[[Resource], None]) -> None:
        """`accepted` hears of every row that was written; a hint, for speed only."""
        self._engines = engines
        self._accepted = accepted

    async def accept(self, ctx: Context, req: Doc) -> Doc:
        """The request is stored; what is answered says where its result will be. Errors: ValidationError."""
        live, endpoint = self._live(ctx, req["EndpointName"])
        config: Doc = live["asynchronous"]
        body = req.get("Body") or b""
        if bool(body) == bool(req.get("InputLocation")):
            raise ValidationError("Give the input either as Body or by InputLocation, and one of them you must give.")
        if len(body) > INLINE_BYTES:
            raise ValidationError(
                f"The Body has {len(body)} bytes and may have {INLINE_BYTES}: put it into S3, name it by InputLocation"
            )
        uid = ids.new()
        inference = req.get("InferenceId") or ids.request_id()
        spec: Doc = {name: req[name] for name in _KEPT if req.get(name) is not None}
        spec |= {"InferenceId": inference, **_locations(config["OutputConfig"], req, inference)}
        variant: Doc = live["variants"][0]
        spec |= {"_endpoint": endpoint.uid, "_arn": endpoint.arn, "_role": variant["role"], "_variant": variant["name"]}
        spec["_notify"] = config["OutputConfig"].get("NotificationConfig") or {}
        if body:
            # Before the row: whoever finds the row finds the body. What a crash leaves without a row is swept.
            await asyncio.to_thread(self._keep, uid, body)
        due = ctx.clock.now() + req.get("RequestTTLSeconds", TTL_SECONDS)
        made = Resource(
            KIND,
            uid,
            ctx.account,
            ctx.region,
            uid=uid,
            phase=INVOCATION.initial,
            parent=endpoint.name,
            spec=spec,
            due=due,
        )
        self._accepted(ctx.store.create(made))
        return {name: spec[name] for name in ("InferenceId", "OutputLocation", "FailureLocation") if name in spec}

    def _live(self, ctx: Context, name: str) -> tuple[Doc, Resource]:
        try:
            endpoint = ctx.store.get(ctx.account, ctx.region, endpoints.KIND, name)
        except Missing:
            raise _not_found(ctx, name) from None
        live: Doc | None = endpoint.status.get("_live")
        if live is None or endpoint.phase == "Deleting":
            raise _not_found(ctx, name)
        if not live.get("asynchronous"):
            raise ValidationError(
                f"Endpoint {name} of account {ctx.account} is not an asynchronous endpoint: its configuration has no "
                "AsyncInferenceConfig. Use InvokeEndpoint."
            )
        if not live["variants"][0]["role"]:
            raise ValidationError(
                f"The model of endpoint {name} has no ExecutionRoleArn: nobody may read the input and store the result."
            )
        return live, endpoint

    def _keep(self, uid: str, body: bytes) -> None:
        path = input_file(self._engines, uid)
        path.parent.mkdir(parents=True)
        path.write_bytes(body)


def _locations(output: Doc, req: Doc, inference: str) -> Doc:
    """Where the result, or the failure, will be."""
    extension = req.get("S3OutputPathExtension", "")
    name = req.get("Filename") or f"{inference}.out"
    said: Doc = {"OutputLocation": str(_at(output["S3OutputPath"], extension, name))}
    if output.get("S3FailurePath"):
        said["FailureLocation"] = str(_at(output["S3FailurePath"], extension, f"{inference}-error.out"))
    return said


def _at(path: str, *parts: str) -> Location:
    return parse(path).child(*parts)


def _not_found(ctx: Context, name: str) -> ValidationError:
    return ValidationError(f"Endpoint {name} of account {ctx.account} not found.")
