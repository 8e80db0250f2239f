"""`clary compare`: two versions side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.table import Table

from clary.cli.registry import tables, versions
from clary.cli.registry.origins import origins
from clary.cli.registry.wire import Wire, connect, refusals

_SAME = "[dim]same[/dim]"


def compare(home: Path | None, first: str, second: str, json: bool) -> None:
    """Printed: what both are, metrics with their differences, and of parameters, data and code what differs."""
    wire = connect(home)
    with refusals():
        both = [_told(wire, versions.named(wire, one)) for one in (first, second)]
    if json:
        typer.echo(orjson.dumps(both, option=orjson.OPT_INDENT_2).decode())
        return
    left, right = both
    table = Table("", left["Name"], right["Name"], "", box=None, pad_edge=False)
    for label, member in (("status", "ModelApprovalStatus"), ("registered", "CreationTime")):
        table.add_row(label, str(left[member]), str(right[member]))
    _numbers(table, left["Metrics"], right["Metrics"])
    for title in ("Parameters", "Data", "Code"):
        _texts(table, title, left[title], right[title])
    tables.show(table)


def _told(wire: Wire, package: Mapping[str, Any]) -> dict[str, Any]:
    job = training_job(wire, package)
    containers = (package.get("InferenceSpecification") or {}).get("Containers") or []
    parameters = dict((job or {}).get("HyperParameters") or {})
    source = parameters.pop("sagemaker_submit_directory", None)
    made = package.get("MetadataProperties") or {}
    code = {
        "training image": ((job or {}).get("AlgorithmSpecification") or {}).get("TrainingImage"),
        "source": source,
        "program": parameters.pop("sagemaker_program", None),
        "commit": made.get("CommitId"),
        "repository": made.get("Repository"),
        **{f"image {place}": one.get("Image") for place, one in enumerate(containers, 1)},
    }
    data = {
        one["ChannelName"]: ((one.get("DataSource") or {}).get("S3DataSource") or {}).get("S3Uri")
        for one in (job or {}).get("InputDataConfig") or []
    }
    known = origins(wire, package["ModelPackageArn"])
    return {
        "Name": f"{package.get('ModelPackageGroupName', package['ModelPackageName'])}"
        f":{package.get('ModelPackageVersion', '')}".rstrip(":"),
        "ModelPackageArn": package["ModelPackageArn"],
        "ModelApprovalStatus": package.get("ModelApprovalStatus", "-"),
        "CreationTime": package["CreationTime"].isoformat()[:16].replace("T", " "),
        "TrainingJobArn": (job or {}).get("TrainingJobArn"),
        "Metrics": versions.metrics(wire, package),
        "Parameters": {key: value for key, value in parameters.items() if not key.startswith("sagemaker_")},
        "Data": {**{key: value for key, value in data.items() if value}, **known["Data"]},
        "Code": {**{key: value for key, value in code.items() if value}, **known["Code"]},
    }


def training_job(wire: Wire, package: Mapping[str, Any]) -> dict[str, Any] | None:
    """The job that made the model: the one that MetadataProperties name, else the one whose artifact it has."""
    from botocore.exceptions import ClientError

    made_by = (package.get("MetadataProperties") or {}).get("GeneratedBy") or ""
    names = [made_by.rpartition("/")[2]] if ":training-job/" in made_by else []
    containers = (package.get("InferenceSpecification") or {}).get("Containers") or []
    artifacts = [one["ModelDataUrl"] for one in containers if one.get("ModelDataUrl")]
    # A training job stores its artifact under its own name: .../<job>/output/model.tar.gz.
    names += [parts[-3] for parts in (uri.split("/") for uri in artifacts) if parts[-2:] == ["output", "model.tar.gz"]]
    for name in names:
        try:
            job: dict[str, Any] = wire.client("sagemaker").describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            continue  # no job of that name: the artifact only lies as if there were one
        if job["TrainingJobArn"] == made_by or (job.get("ModelArtifacts") or {}).get("S3ModelArtifacts") in artifacts:
            return job
    return None


def _numbers(table: Table, left: Mapping[str, float], right: Mapping[str, float]) -> None:
    paths = list(dict.fromkeys([*left, *right]))
    if paths:
        table.add_row("[bold]Metrics[/bold]")
    for path, name in versions.short(paths).items():
        one, other = left.get(path), right.get(path)
        shown = [f"{value:.6g}" if value is not None else "-" for value in (one, other)]
        change = "" if one is None or other is None else (f"{other - one:+.6g}" if one != other else _SAME)
        table.add_row(name, *shown, change)


def _texts(table: Table, title: str, left: Mapping[str, str], right: Mapping[str, str]) -> None:
    names = list(dict.fromkeys([*left, *right]))
    if names:
        table.add_row(f"[bold]{title}[/bold]")
    for name in names:
        one, other = (str(side.get(name, "-")).replace("[", r"\[") for side in (left, right))
        table.add_row(name, one, other if one != other else _SAME, "")
