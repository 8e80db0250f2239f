"""`clary deploy`: a version of a model at an endpoint, by public operations alone.

Nothing is remembered outside of the server: what an endpoint serves is read from it, and each configuration carries a
tag with the one that it took the place of. So a deployment that was interrupted can be asked for again, and a rollback
finds its way back from any machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import typer

from clary.cli.demo.stage import Stage
from clary.cli.registry import guards, making, smoke, versions
from clary.cli.registry.versions import Served
from clary.cli.registry.waiting import TakenBack, until_serving
from clary.cli.registry.wire import Wire, connect, refusals
from clary.cli.say import err, fail, out
from clary.program import program

PRODUCTION_CANARY: Final = 10
TAKEN_BACK: Final = 4
"""The exit code when the update was taken back by the server."""
_SETTLED: Final = ("InService", "UpdateRollbackFailed", "OutOfService")


@dataclass(frozen=True)
class Asked:
    """What was typed."""

    group: str
    stage: str
    version: str | None = None
    canary: int | None = None
    bake: int = 60
    alarms: tuple[str, ...] = ()
    smoke: str | None = None
    instances: int | None = None
    instance_type: str | None = None
    role: str | None = None
    endpoint: str | None = None
    rollback: bool = False

    @property
    def endpoint_name(self) -> str:
        return self.endpoint or f"{self.group}-{self.stage}"


def deploy(home: Path | None, asked: Asked, json: bool) -> None:
    """The endpoint serves the version. Ends the command with 1 when that could not be begun or a smoke test failed, and
    with 4 when the update was taken back: what was served before serves on."""
    if asked.stage not in versions.STAGES:
        fail(f"there is no stage {asked.stage!r}", f"stages are {' and '.join(versions.STAGES)}")
    wire = connect(home)
    stage = Stage(f"deploy {asked.group} to {asked.stage}")
    with refusals():
        try:
            told = _rolled_back(wire, asked, stage) if asked.rollback else _deployed(wire, asked, stage)
        except TakenBack as error:
            fail(str(error).replace("[", r"\["), f"what was served before serves on: {asked.endpoint_name}", TAKEN_BACK)
    told |= {"Seconds": stage.seconds, "Steps": stage.steps}
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        out.print(f"{told['EndpointName']} serves {asked.group}, version {told['ModelPackageVersion']}", markup=False)


def _deployed(wire: Wire, asked: Asked, stage: Stage) -> dict[str, Any]:
    now = versions.served(wire, asked.endpoint_name)
    _check_ready(now, asked)
    package = _chosen(wire, asked)
    version, arn = package["ModelPackageVersion"], package["ModelPackageArn"]
    told = {
        "EndpointName": asked.endpoint_name,
        "ModelPackageArn": arn,
        "ModelPackageVersion": version,
        "Replaced": now.version if now else None,
    }
    if now and now.package == arn and now.status == "InService" and not (asked.instances or asked.instance_type):
        err.print(f"{asked.endpoint_name} serves version {version} already", markup=False)
        return {**told, "EndpointConfigName": now.config, "Changed": False}
    with stage.step(f"model of version {version}") as line:
        made = making.configuration(wire, asked, package, now)
        line.result = made.model
    if asked.smoke:
        _smoked(wire, asked, stage, arn, made)
    if now is None:
        with stage.step(f"create {asked.endpoint_name}") as line:
            tags = making.tags(arn, asked.group, None)
            wire.client("sagemaker").create_endpoint(
                EndpointName=asked.endpoint_name, EndpointConfigName=made.config, Tags=tags
            )
            until_serving(wire, asked.endpoint_name, made.config, line, asked.bake)
            line.result = made.config
    else:
        _updated(wire, asked, stage, now, made, arn)
    return {**told, "EndpointConfigName": made.config, "Changed": True}


def _updated(wire: Wire, asked: Asked, stage: Stage, now: Served, made: making.Made, arn: str) -> None:
    canary = asked.canary if asked.canary is not None else (PRODUCTION_CANARY if asked.stage == "production" else 0)
    watched = guards.alarms(wire, asked.endpoint_name, asked.alarms) if canary or asked.alarms else []
    how = f"{canary} % for {asked.bake} s, then all" if canary else "all at once"
    with stage.step(f"update {asked.endpoint_name}: {how}") as line:
        request: dict[str, Any] = {
            "EndpointName": asked.endpoint_name,
            "EndpointConfigName": made.config,
            "DeploymentConfig": guards.deployment(canary, asked.bake, watched),
        }
        if asked.instances is None and made.keeps_counts:
            request["RetainAllVariantProperties"] = True
        wire.client("sagemaker").update_endpoint(**request)
        until_serving(wire, asked.endpoint_name, made.config, line, asked.bake)
        _tag(wire, now.described["EndpointArn"], making.tags(arn, asked.group, None))
        line.result = f"version {now.version or '?'} is replaced"


def _smoked(wire: Wire, asked: Asked, stage: Stage, arn: str, made: making.Made) -> None:
    """The version has passed, before it gets any traffic. Ends the command otherwise."""
    staging = versions.served(wire, f"{asked.group}-staging") if asked.stage == "production" else None
    if staging is not None and staging.package == arn and staging.status == "InService":
        with stage.step(f"smoke test on {staging.endpoint}") as line:
            line.result = smoke.tried(wire, staging.endpoint, str(asked.smoke))
        return
    candidate = f"{asked.endpoint_name[:55]}-smoke"
    with stage.step(f"smoke test on {candidate}") as line, making.candidate(wire, candidate, made, line):
        line.result = smoke.tried(wire, candidate, str(asked.smoke))


def _rolled_back(wire: Wire, asked: Asked, stage: Stage) -> dict[str, Any]:
    now = versions.served(wire, asked.endpoint_name)
    if now is None:
        fail(f"there is no endpoint {asked.endpoint_name}, so nothing to go back from")
    _check_ready(now, asked)
    sagemaker = wire.client("sagemaker")
    described = sagemaker.describe_endpoint_config(EndpointConfigName=now.config)
    tags = sagemaker.list_tags(ResourceArn=described["EndpointConfigArn"])["Tags"]
    before = next((one["Value"] for one in tags if one["Key"] == making.PREVIOUS), None)
    if not before:
        fail(
            f"{asked.endpoint_name} has served nothing before {now.config}",
            f"name a version instead: {program()} deploy {asked.group} --to {asked.stage} --version N",
        )
    with stage.step(f"back to {before}") as line:
        sagemaker.update_endpoint(
            EndpointName=asked.endpoint_name, EndpointConfigName=before, DeploymentConfig=guards.deployment(0, 0, [])
        )
        until_serving(wire, asked.endpoint_name, before, line, 0)
        line.result = f"version {now.version or '?'} is out of service"
    after = versions.served(wire, asked.endpoint_name)
    package = after.package if after else None
    if package:
        _tag(wire, now.described["EndpointArn"], making.tags(package, asked.group, None))
    return {
        "EndpointName": asked.endpoint_name,
        "EndpointConfigName": before,
        "ModelPackageArn": package,
        "ModelPackageVersion": package.rpartition("/")[2] if package else None,
        "Replaced": now.version,
        "Changed": True,
    }


def _check_ready(now: Served | None, asked: Asked) -> None:
    if now is None or now.status in _SETTLED:
        return
    if now.status == "Failed":
        why = now.described.get("FailureReason", "no reason given")
        fail(
            f"the endpoint {now.endpoint} is Failed: {why}",
            f"delete it first: {program()} run -- aws sagemaker delete-endpoint --endpoint-name {now.endpoint}",
        )
    fail(f"the endpoint {now.endpoint} is {now.status}", "wait until it is InService, then ask again")


def _chosen(wire: Wire, asked: Asked) -> Mapping[str, Any]:
    """The version that shall serve; it is Approved. Ends the command when there is none."""
    group = asked.group
    if asked.version:
        package = versions.of_group(wire, group, asked.version)
    elif asked.stage == "production":
        staging = versions.served(wire, f"{group}-staging")
        if staging is None or staging.package is None:
            fail(
                f"nothing is in staging that could be promoted: {group}-staging serves no version of {group}",
                f"first: {program()} deploy {group} --to staging, or name one with --version",
            )
        package = versions.describe(wire, staging.package)
        if package.get("ModelPackageGroupName") != group:
            fail(f"{staging.endpoint} serves {staging.package}, which is no version of {group}", "name a --version")
    else:
        found = versions.newest(wire, group, versions.APPROVED)
        if found is None:
            fail(f"no version of {group} is Approved", f"approve one: {program()} approve {group}")
        package = found
    if package["ModelApprovalStatus"] != versions.APPROVED:
        number, status = package["ModelPackageVersion"], package["ModelApprovalStatus"]
        fail(f"version {number} of {group} is {status}", f"approve it first: {program()} approve {group}:{number}")
    return package


def _tag(wire: Wire, arn: str, tags: list[dict[str, str]]) -> None:
    wire.client("sagemaker").add_tags(ResourceArn=arn, Tags=tags)
