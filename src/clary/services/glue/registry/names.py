"""How registries, schemas and their versions are called, and how a request names them.

What is in a registry or a schema is kept under its uid, as in the catalog.
"""

from typing import Final

from clary.aws import times
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException

REGISTRY: Final = "glue-registry"
SCHEMA: Final = "glue-schema"
VERSION: Final = "glue-schema-version"
REMOVAL: Final = "glue-registry-removal"
DEFAULT: Final = "default-registry"
"""Made at the first schema that names no registry, as on AWS."""
_DIGITS: Final = 6


def registry_arn(ctx: Context, name: str) -> str:
    return ctx.arn("glue", f"registry/{name}")


def schema_arn(ctx: Context, registry: str, name: str) -> str:
    return ctx.arn("glue", f"schema/{registry}/{name}")


def registry_name(ctx: Context, asked: Doc | None) -> str:
    """The name that a RegistryId says. Raises InvalidInputException."""
    asked = asked or {}
    if "RegistryArn" in asked:
        name: str = asked["RegistryArn"].removeprefix(registry_arn(ctx, ""))
        if name == asked["RegistryArn"] or asked.get("RegistryName", name) != name:
            raise InvalidInputException(
                f"{asked['RegistryArn']} is not the ARN of a registry of this account and region"
            )
        return name
    return str(asked.get("RegistryName", DEFAULT))


def schema_names(ctx: Context, asked: Doc) -> tuple[str, str]:
    """(registry, schema) that a SchemaId says. Raises InvalidInputException."""
    if "SchemaArn" in asked:
        registry, slash, name = asked["SchemaArn"].removeprefix(ctx.arn("glue", "schema/")).partition("/")
        if not slash or asked["SchemaArn"] != schema_arn(ctx, registry, name):
            raise InvalidInputException(f"{asked['SchemaArn']} is not the ARN of a schema of this account and region")
        return registry, name
    if "SchemaName" not in asked:
        raise InvalidInputException("SchemaId needs SchemaArn, or SchemaName (and RegistryName)")
    return asked.get("RegistryName", DEFAULT), asked["SchemaName"]


def find_registry(ctx: Context, name: str) -> Resource:
    """Raises EntityNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, REGISTRY, name)
    except Missing:
        raise EntityNotFoundException(f"Registry is not found. RegistryName: {name}") from None


def default_registry(ctx: Context) -> Resource:
    """The default registry, made where it is not there."""
    made = Resource(
        kind=REGISTRY,
        name=DEFAULT,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=registry_arn(ctx, DEFAULT),
    )
    try:
        return ctx.store.create(made)
    except Exists:
        return find_registry(ctx, DEFAULT)


def find_schema(ctx: Context, asked: Doc) -> Resource:
    """Raises EntityNotFoundException, InvalidInputException."""
    registry, name = schema_names(ctx, asked)
    try:
        owner = find_registry(ctx, registry)
        return ctx.store.get(ctx.account, ctx.region, SCHEMA, f"{owner.uid}/{name}")
    except (EntityNotFoundException, Missing):
        raise EntityNotFoundException(
            f"Schema is not found. RegistryName: {registry}, SchemaName: {name}, SchemaArn: "
            f"{schema_arn(ctx, registry, name)}"
        ) from None


def schema_at(ctx: Context, arn: str) -> Resource | None:
    """The schema of an ARN; None: there is none."""
    try:
        return find_schema(ctx, {"SchemaArn": arn})
    except (EntityNotFoundException, InvalidInputException):
        return None


def find_version(ctx: Context, schema: Resource, asked: Doc) -> Resource:
    """The version that a SchemaVersionNumber says. Raises EntityNotFoundException, InvalidInputException."""
    if asked.get("LatestVersion"):
        number = schema.status["_latest"]
    elif "VersionNumber" in asked:
        number = asked["VersionNumber"]
    else:
        raise InvalidInputException("SchemaVersionNumber needs LatestVersion or VersionNumber")
    return numbered(ctx, schema, number)


def numbered(ctx: Context, schema: Resource, number: int) -> Resource:
    try:
        return ctx.store.get(ctx.account, ctx.region, VERSION, version_row(schema, number))
    except Missing:
        raise EntityNotFoundException(
            f"Schema version is not found. SchemaArn: {schema.arn}, VersionNumber: {number}"
        ) from None


def asked_version(ctx: Context, req: Doc) -> tuple[Resource, Resource]:
    """(schema, version) that SchemaVersionId, or SchemaId and SchemaVersionNumber say. Raises EntityNotFoundException,
    InvalidInputException."""
    if "SchemaVersionId" in req:
        try:
            version = ctx.store.find(VERSION, req["SchemaVersionId"])
            schema = ctx.store.find(SCHEMA, version.parent)
            find_schema(ctx, {"SchemaArn": schema.arn})
        except Missing:
            raise EntityNotFoundException(
                f"Schema version is not found. SchemaVersionId: {req['SchemaVersionId']}"
            ) from None
        if (version.account, version.region) != (ctx.account, ctx.region):
            raise EntityNotFoundException(f"Schema version is not found. SchemaVersionId: {req['SchemaVersionId']}")
        return schema, version
    if "SchemaId" not in req or "SchemaVersionNumber" not in req:
        raise InvalidInputException("Say SchemaVersionId, or SchemaId and SchemaVersionNumber")
    schema = find_schema(ctx, req["SchemaId"])
    return schema, find_version(ctx, schema, req["SchemaVersionNumber"])


def version_row(schema: Resource, number: int) -> str:
    return f"{schema.uid}/{number:0{_DIGITS}d}"


def moment(at: float) -> str:
    """As the registry's answers have it: text."""
    return times.iso8601(at)


def listed(ctx: Context, kind: str, req: Doc, most: int, parent: str | None = None) -> tuple[list[Resource], Doc]:
    """A page of rows by name, and NextToken where there are more. Raises InvalidInputException for a foreign token."""
    where = Where(account=ctx.account, region=ctx.region, parent=parent)
    try:
        found, token = page.paginate(
            ctx.store, kind, where, limit=req.get("MaxResults", most), token=req.get("NextToken")
        )
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
    return found, {"NextToken": token} if token else {}
