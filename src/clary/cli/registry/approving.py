"""`clary approve`: a decision about a version, and what became of it."""

from pathlib import Path

import orjson
import typer

from clary.cli.registry import versions
from clary.cli.registry.wire import connect, refusals
from clary.cli.say import fail, out
from clary.program import program


def approve(home: Path | None, said: str, comment: str, reject: bool, json: bool) -> None:
    """The version is Approved or Rejected, or has its first of two approvals. Ends the command with 1 when a rule of
    the group forbids it."""
    wire = connect(home)
    wanted = "Rejected" if reject else versions.APPROVED
    with refusals():
        if ":" in said or "/" in said:
            package = versions.named(wire, said)
        else:
            waiting = versions.newest(wire, said, versions.PENDING)
            if waiting is None:
                fail(f"no version of {said} waits for approval", f"look: {program()} models {said}")
            package = waiting
        arn = package["ModelPackageArn"]
        words = {"ApprovalDescription": comment} if comment else {}
        wire.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=wanted, **words)
        now = versions.describe(wire, arn)
    told = {
        "ModelPackageArn": arn,
        "ModelApprovalStatus": now["ModelApprovalStatus"],
        "ApprovalDescription": now.get("ApprovalDescription"),
    }
    if json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    name = f"{now['ModelPackageGroupName']}, version {now['ModelPackageVersion']},"
    if now["ModelApprovalStatus"] == wanted:
        out.print(f"{name} is {wanted}")
    else:
        out.print(f"{name} has its first approval and waits for one of somebody else", markup=False)
