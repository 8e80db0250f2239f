"""What a crawler is told to do, checked when it is said: targets, configuration, schedule."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from clary.aws.errors import NotImplementedHere
from clary.kernel import schedule
from clary.kernel.resource import Doc
from clary.services.glue.crawlers.rows import policy
from clary.services.glue.errors import InvalidInputException

_REFUSED: Final = {
    "JdbcTargets": "databases by JDBC",
    "MongoDBTargets": "MongoDB",
    "DynamoDBTargets": "DynamoDB",
    "DeltaTargets": "Delta Lake tables",
    "IcebergTargets": "Iceberg tables (the catalog knows them already: their clients register them themselves)",
    "HudiTargets": "Hudi tables",
}
_MOST_SAMPLES: Final = 249


@dataclass(frozen=True, slots=True)
class Configuration:
    """The JSON text of `Configuration`, read."""

    merges_columns: bool = False
    """A table keeps the columns that it has; new ones are added."""
    inherits: bool = False
    """Partitions have the columns of their table."""
    combines: bool = False
    """What is of one format is one table, however different its columns."""
    level: int | None = None
    """Tables are the folders of this level; the bucket is 1."""
    most_tables: int | None = None


def read(text: str | None) -> Configuration:
    """Raises InvalidInputException."""
    if not text:
        return Configuration()
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputException(f"Crawler configuration is not valid JSON: {error}") from None
    if not isinstance(said, dict) or said.get("Version") not in (1, 1.0, "1.0"):
        raise InvalidInputException('Crawler configuration must be a JSON object with "Version": 1.0')
    output, grouping = _section(said, "CrawlerOutput"), _section(said, "Grouping")
    tables, partitions = _section(output, "Tables"), _section(output, "Partitions")
    return Configuration(
        merges_columns=_one_of(tables, "AddOrUpdateBehavior", "MergeNewColumns"),
        inherits=_one_of(partitions, "AddOrUpdateBehavior", "InheritFromTable"),
        combines=_one_of(grouping, "TableGroupingPolicy", "CombineCompatibleSchemas"),
        level=_number(grouping, "TableLevelConfiguration"),
        most_tables=_number(tables, "TableThreshold"),
    )


def check(spec: Doc) -> None:
    """Raises InvalidInputException for what can never be crawled, NotImplementedHere for other stores than S3."""
    read(spec.get("Configuration"))
    targets: Doc = spec["Targets"]
    for member, what in _REFUSED.items():
        if targets.get(member):
            raise NotImplementedHere(
                f"{member} is not served by Clary: crawlers look at S3 and at tables, not at {what}."
            )
    of_s3, of_catalog = targets.get("S3Targets") or [], targets.get("CatalogTargets") or []
    if not of_s3 and not of_catalog:
        raise InvalidInputException("The crawler has no targets: name S3Targets or CatalogTargets")
    if of_s3 and of_catalog:
        raise InvalidInputException("Catalog targets cannot be mixed with other targets in one crawler")
    for target in of_s3:
        _check_s3(target)
    if of_s3 and not spec.get("DatabaseName"):
        raise InvalidInputException("DatabaseName is needed: the database that the tables shall be in")
    for target in of_catalog:
        _check_no_events(target)
        if not target["Tables"]:
            raise InvalidInputException("A catalog target must name at least one table")
    if of_catalog and (spec.get("SchemaChangePolicy") or {}).get("DeleteBehavior", "LOG") != "LOG":
        raise InvalidInputException("The DeleteBehavior of a crawler with catalog targets can only be LOG")
    _check_recrawl(spec, bool(of_catalog))
    if (spec.get("LakeFormationConfiguration") or {}).get("UseLakeFormationCredentials"):
        raise NotImplementedHere("UseLakeFormationCredentials is not served by Clary: crawlers act as their role.")
    if (spec.get("LineageConfiguration") or {}).get("CrawlerLineageSettings") == "ENABLE":
        raise NotImplementedHere("CrawlerLineageSettings ENABLE is not served by Clary: leave it out.")
    if spec.get("Schedule"):
        check_schedule(spec["Schedule"])


def check_schedule(expression: str) -> None:
    """Raises InvalidInputException."""
    try:
        schedule.parse(expression)
    except ValueError as error:
        raise InvalidInputException(f"The schedule cannot be read: {error}") from None
    if not expression.strip().startswith("cron("):
        raise InvalidInputException(f"{expression!r}: the schedule of a crawler is cron(six fields)")


def path_of(target: Doc) -> tuple[str, str]:
    """(bucket, prefix) of an S3 target. Raises InvalidInputException."""
    path = target.get("Path", "")
    scheme, _, rest = path.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise InvalidInputException(f"The S3 path {path!r} is not valid: write s3://bucket/folder")
    return bucket, prefix


def _check_s3(target: Doc) -> None:
    path_of(target)
    _check_no_events(target)
    size = target.get("SampleSize")
    if size is not None and not 1 <= size <= _MOST_SAMPLES:
        raise InvalidInputException(f"SampleSize must be 1 to {_MOST_SAMPLES}, not {size}")


def _check_no_events(target: Doc) -> None:
    for member in ("EventQueueArn", "DlqEventQueueArn", "ConnectionName"):
        if target.get(member):
            raise NotImplementedHere(f"{member} of a target is not served by Clary: the crawler lists what is there.")


def _check_recrawl(spec: Doc, of_catalog: bool) -> None:
    behavior = (spec.get("RecrawlPolicy") or {}).get("RecrawlBehavior", "CRAWL_EVERYTHING")
    if behavior == "CRAWL_EVENT_MODE":
        raise NotImplementedHere("CRAWL_EVENT_MODE is not served by Clary: use CRAWL_NEW_FOLDERS_ONLY.")
    if behavior == "CRAWL_NEW_FOLDERS_ONLY":
        if of_catalog:
            raise InvalidInputException("CRAWL_NEW_FOLDERS_ONLY is for S3 targets")
        if set(policy(spec).values()) != {"LOG"}:
            raise InvalidInputException(
                "The SchemaChangePolicy for CRAWL_NEW_FOLDERS_ONLY recrawl policy can have only LOG UpdateBehavior "
                "value and LOG DeleteBehavior value"
            )


def _section(said: Any, name: str) -> Doc:
    found = said.get(name, {})
    if not isinstance(found, dict):
        raise InvalidInputException(f"Crawler configuration: {name} must be a JSON object")
    return found


def _one_of(said: Doc, name: str, known: str) -> bool:
    if said.get(name) not in (None, known):
        raise InvalidInputException(f"Crawler configuration: {name} can only be {known}, not {said[name]!r}")
    return name in said and said[name] is not None


def _number(said: Doc, name: str) -> int | None:
    found = said.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidInputException(f"Crawler configuration: {name} must be a whole number of at least 1")
    return found
