"""What the schema registry asks of the policies: the ARN of the registry, or of the schema."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Asks, anywhere
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.glue.asking import Names, asking
from clary.services.glue.errors import InvalidInputException
from clary.services.glue.registry.names import (
    DEFAULT,
    SCHEMA,
    VERSION,
    registry_arn,
    registry_name,
    schema_arn,
    schema_names,
)


def _registry(ctx: Context, req: Doc) -> Sequence[str]:
    if "RegistryName" in req:
        return [registry_arn(ctx, req["RegistryName"])]
    if "RegistryId" not in req:
        return [registry_arn(ctx, "*")]
    try:
        return [registry_arn(ctx, registry_name(ctx, req["RegistryId"]))]
    except InvalidInputException:
        return [registry_arn(ctx, "*")]  # refused later


def _new_schema(ctx: Context, req: Doc) -> Sequence[str]:
    try:
        registry = registry_name(ctx, req.get("RegistryId"))
    except InvalidInputException:
        registry = DEFAULT
    return [registry_arn(ctx, registry), schema_arn(ctx, registry, req["SchemaName"])]


def _schema(ctx: Context, req: Doc) -> Sequence[str]:
    """The schema that SchemaId, or the id of a version, says."""
    if "SchemaId" in req:
        try:
            return [schema_arn(ctx, *schema_names(ctx, req["SchemaId"]))]
        except InvalidInputException:
            return ["*"]
    try:
        return [ctx.store.find(SCHEMA, ctx.store.find(VERSION, req["SchemaVersionId"]).parent).arn]
    except (KeyError, Missing):
        return ["*"]


_NAMES: Final[Mapping[str, Names]] = {
    "CreateRegistry": _registry,
    "GetRegistry": _registry,
    "ListRegistries": _registry,
    "UpdateRegistry": _registry,
    "DeleteRegistry": _registry,
    "ListSchemas": _registry,
    "CreateSchema": _new_schema,
    "GetSchema": _schema,
    "UpdateSchema": _schema,
    "DeleteSchema": _schema,
    "RegisterSchemaVersion": _schema,
    "GetSchemaVersion": _schema,
    "GetSchemaByDefinition": _schema,
    "ListSchemaVersions": _schema,
    "DeleteSchemaVersions": _schema,
    "GetSchemaVersionsDiff": _schema,
    "PutSchemaVersionMetadata": _schema,
    "QuerySchemaVersionMetadata": _schema,
    "RemoveSchemaVersionMetadata": _schema,
}
ASKS: Final[Mapping[str, Asks]] = {
    **{operation: asking(operation, names) for operation, names in _NAMES.items()},
    "CheckSchemaVersionValidity": anywhere("glue:CheckSchemaVersionValidity"),
}
