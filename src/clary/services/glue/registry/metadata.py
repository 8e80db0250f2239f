"""What is said of a version of a schema: pairs of a key and a value, several values a key."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)
from clary.services.glue.registry.names import asked_version, moment

_MOST: Final = 10
"""Pairs of a version, as AWS has it."""
_PAGE: Final = 50


@service.operation("PutSchemaVersionMetadata")
async def put_metadata(ctx: Context, req: Doc) -> Doc:
    """The version has the pair beside its others. Errors: AlreadyExists, EntityNotFound, InvalidInput,
    ResourceNumberLimitExceeded."""
    key, value = _pair(req)
    while True:
        schema, version = asked_version(ctx, req)
        kept: dict[str, list[Doc]] = version.status["_metadata"]
        if any(one["MetadataValue"] == value for one in kept.get(key, ())):
            raise AlreadyExistsException(f"The version has the metadata {key}={value} already")
        if sum(map(len, kept.values())) >= _MOST:
            raise ResourceNumberLimitExceededException(f"A version has no more than {_MOST} pairs of metadata")
        # The newest first: it is the one that the answers show, the others are its OtherMetadataValueList.
        new = [{"MetadataValue": value, "CreatedTime": moment(ctx.clock.now())}, *kept.get(key, ())]
        try:
            ctx.store.update(version, _metadata={**kept, key: new})
        except Stale:
            continue
        return _answer(schema, version, key, value)


@service.operation("RemoveSchemaVersionMetadata")
async def remove_metadata(ctx: Context, req: Doc) -> Doc:
    """The version has not that pair. Errors: EntityNotFoundException, InvalidInputException."""
    key, value = _pair(req)
    while True:
        schema, version = asked_version(ctx, req)
        kept: dict[str, list[Doc]] = version.status["_metadata"]
        left = [one for one in kept.get(key, ()) if one["MetadataValue"] != value]
        if len(left) == len(kept.get(key, ())):
            raise EntityNotFoundException(f"The version has no metadata {key}={value}")
        others = {name: values for name, values in kept.items() if name != key}
        try:
            ctx.store.update(version, _metadata={**others, **({key: left} if left else {})})
        except Stale:
            continue
        return _answer(schema, version, key, value)


@service.operation("QuerySchemaVersionMetadata")
async def query_metadata(ctx: Context, req: Doc) -> Doc:
    """The version's metadata by key, those of MetadataList where it is given. Errors: EntityNotFoundException,
    InvalidInputException."""
    _, version = asked_version(ctx, req)
    kept: dict[str, list[Doc]] = version.status["_metadata"]
    wanted = req.get("MetadataList", ())
    names = sorted(name for name, values in kept.items() if not wanted or _matches(name, values, wanted))
    filters = page.digest("metadata", version.uid, wanted)
    start = ""
    if "NextToken" in req:
        try:
            start = page.decode(req["NextToken"], filters, str, str)[0]
        except BadToken as error:
            raise InvalidInputException(str(error)) from None
    names = [name for name in names if name > start]
    shown = names[: req.get("MaxResults", _PAGE)]
    found = {name: _described(kept[name]) for name in shown}
    more: Doc = {"NextToken": page.encode([shown[-1], ""], filters)} if len(shown) < len(names) else {}
    return {"MetadataInfoMap": found, "SchemaVersionId": version.uid, **more}


def _matches(name: str, values: list[Doc], wanted: list[Doc]) -> bool:
    return any(
        one.get("MetadataKey", name) == name
        and ("MetadataValue" not in one or any(value["MetadataValue"] == one["MetadataValue"] for value in values))
        for one in wanted
    )


def _described(values: list[Doc]) -> Doc:
    return {**values[0], **({"OtherMetadataValueList": values[1:]} if len(values) > 1 else {})}


def _answer(schema: Resource, version: Resource, key: str, value: str) -> Doc:
    number = version.spec["VersionNumber"]
    return {
        "SchemaArn": schema.arn,
        "SchemaName": schema.spec["SchemaName"],
        "RegistryName": schema.spec["RegistryName"],
        "LatestVersion": number == schema.status["_latest"],
        "VersionNumber": number,
        "SchemaVersionId": version.uid,
        "MetadataKey": key,
        "MetadataValue": value,
    }


def _pair(req: Doc) -> tuple[str, str]:
    pair = req["MetadataKeyValue"]
    if "MetadataKey" not in pair or "MetadataValue" not in pair:
        raise InvalidInputException("MetadataKeyValue needs MetadataKey and MetadataValue")
    return pair["MetadataKey"], pair["MetadataValue"]
