"""`clary models`: groups, or the versions of one side by side."""

from pathlib import Path
from typing import Any

import orjson
import typer
from rich.table import Table

from clary.cli.registry import tables, versions
from clary.cli.registry.wire import Wire, connect, refusals
from clary.cli.say import err, fail
from clary.numbers import Ambiguous
from clary.numbers import named as number
from clary.program import program

_COLUMNS = 4
"""Metrics that are shown when none is named."""
_MARKS = {"Approved": "[green]Approved[/green]", "Rejected": "[red]Rejected[/red]", versions.PENDING: "waits"}


def models(home: Path | None, group: str | None, wanted: list[str], alias: str | None, limit: int, json: bool) -> None:
    """Printed: all groups, or one group's versions."""
    wire = connect(home)
    with refusals():
        if group is None:
            if alias:
                fail("an alias needs a group", f"{program()} models GROUP --alias {alias}")
            _groups(_told_groups(wire), json)
            return
        if alias:
            _call(wire, group, alias)
        told = _told_versions(wire, group, limit)
    _versions(group, told, wanted, json)


def _call(wire: Wire, group: str, alias: str) -> None:
    name, mark, version = alias.partition("=")
    if not (name and mark and version):
        fail(f"{alias!r} is no alias", "write --alias champion=3")
    sagemaker = wire.client("sagemaker")
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"alias:{name}", "Value": version}])


def _told_groups(wire: Wire) -> list[dict[str, Any]]:
    sagemaker = wire.client("sagemaker")
    told = []
    for page in sagemaker.get_paginator("list_model_package_groups").paginate():
        for one in page["ModelPackageGroupSummaryList"]:
            name = one["ModelPackageGroupName"]
            approved = versions.newest(wire, name, versions.APPROVED)
            waiting = versions.newest(wire, name, versions.PENDING)
            told.append(
                {
                    "ModelPackageGroupName": name,
                    "LatestApproved": approved and approved["ModelPackageVersion"],
                    "Waiting": waiting and waiting["ModelPackageVersion"],
                    **{stage: _version_at(wire, f"{name}-{stage}") for stage in versions.STAGES},
                }
            )
    return told


def _version_at(wire: Wire, endpoint: str) -> int | None:
    found = versions.served(wire, endpoint)
    return int(found.version) if found and found.version and found.version.isdigit() else None


def _told_versions(wire: Wire, group: str, limit: int) -> list[dict[str, Any]]:
    sagemaker = wire.client("sagemaker")
    named = versions.aliases(wire, group)
    stages = {stage: _version_at(wire, f"{group}-{stage}") for stage in versions.STAGES}
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group,
        SortBy="CreationTime",
        SortOrder="Descending",
        PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 100)},
    )
    return [
        _told(wire, versions.describe(wire, one["ModelPackageArn"]), named, stages)
        for page in pages
        for one in page["ModelPackageSummaryList"]
    ]


def _told(wire: Wire, said: dict[str, Any], named: dict[str, str], stages: dict[str, int | None]) -> dict[str, Any]:
    number = said["ModelPackageVersion"]
    properties = said.get("CustomerMetadataProperties") or {}
    return {
        "ModelPackageVersion": number,
        "ModelPackageArn": said["ModelPackageArn"],
        "ModelApprovalStatus": said["ModelApprovalStatus"],
        "ApprovalDescription": said.get("ApprovalDescription"),
        "CreationTime": said["CreationTime"].isoformat(),
        "Aliases": [name for name, version in named.items() if version == str(number)],
        "Stages": [stage for stage, version in stages.items() if version == number],
        "Decisions": [value for key, value in sorted(properties.items()) if key.startswith("clary:decision-")],
        "Metrics": versions.metrics(wire, said),
    }


def _groups(told: list[dict[str, Any]], json: bool) -> None:
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    if not told:
        err.print("there are no model package groups; register a model first: docs/promotion.md")
        return
    table = Table("group", "latest approved", "waits", *versions.STAGES, box=None, pad_edge=False)
    for one in told:
        table.add_row(*("-" if value is None else str(value) for value in one.values()))
    tables.show(table)


def _versions(group: str, told: list[dict[str, Any]], wanted: list[str], json: bool) -> None:
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    if not told:
        err.print(f"{group} has no versions yet")
        return
    columns = _columns(told, wanted)
    table = Table(*("version", "status", "registered", "is"), box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right")
    table.add_column("decided")
    for one in told:
        table.add_row(
            str(one["ModelPackageVersion"]),
            _MARKS[one["ModelApprovalStatus"]],
            one["CreationTime"][:16].replace("T", " "),
            ", ".join([*one["Stages"], *one["Aliases"]]) or "-",
            *(_shown(one["Metrics"], paths) for paths in columns.values()),
            _decided(one),
        )
    tables.show(table)


def _columns(told: list[dict[str, Any]], wanted: list[str]) -> dict[str, str]:
    """Heading -> the name of the metric."""
    if wanted:
        return {name: name for name in wanted}
    paths: dict[str, None] = {}
    for one in told:
        paths |= dict.fromkeys(one["Metrics"])
    first = [path for path in paths if not path.endswith("standard_deviation")][:_COLUMNS]
    return {heading: path for path, heading in versions.short(first).items()}


def _shown(metrics: dict[str, float], name: str) -> str:
    try:
        value = number(metrics, name)
    except Ambiguous as error:
        fail(str(error), "name more of its path")
    return "-" if value is None else f"{value:.6g}"


def _decided(one: dict[str, Any]) -> str:
    """The last decision: who, and the comment."""
    if not one["Decisions"]:
        return "-"
    words = str(one["Decisions"][-1]).replace("[", r"\[")
    status, _, rest = words.partition(" by ")
    who, _, when = rest.partition(" at ")
    comment = when.partition("Z: ")[2]
    same = status == one["ModelApprovalStatus"]
    waits = "" if same else " (a second approval is needed)"
    return f"{who.rpartition(':')[2]}{': ' + comment if comment else ''}{waits}"
