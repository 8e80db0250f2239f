"""What the commands of the registry are called and take. The work is in files of its own, imported when asked for."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where Clary keeps everything. [default: ~/.clary]", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]


def register(app: typer.Typer) -> None:
    """The commands are part of `app`."""
    for command in (models, approve, compare, deploy):
        app.command()(command)


def models(
    group: Annotated[str | None, typer.Argument(help="A model package group. [default: all, one line each]")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Show this metric. May be given several times. [default: the first ones]", metavar="NAME"),
    ] = None,
    alias: Annotated[
        str | None, typer.Option(help="First call this version so: champion=3.", metavar="NAME=VERSION")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many versions, the newest.", metavar="N")] = 20,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print registered models: versions, who approved them, their metrics side by side, and where they serve."""
    from clary.cli.registry import listing

    listing.models(home, group, metric or [], alias, limit, json)


def approve(
    version: Annotated[str, typer.Argument(help="GROUP, for its newest version that waits, or GROUP:VERSION.")],
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; it is kept with the version.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject it instead.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Approve a version of a model, or reject it. The rules of the group decide whether that is enough."""
    from clary.cli.registry import approving

    approving.approve(home, version, comment, reject, json)


def compare(
    first: Annotated[str, typer.Argument(help="GROUP:VERSION, or the ARN of a model package.", metavar="A")],
    second: Annotated[str, typer.Argument(help="The other one.", metavar="B")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print two versions side by side: metrics, hyperparameters, data and code."""
    from clary.cli.registry import comparing

    comparing.compare(home, first, second, json)


def deploy(
    group: Annotated[str, typer.Argument(help="The model package group.")],
    to: Annotated[str, typer.Option("--to", help="staging or production.", metavar="STAGE")],
    version: Annotated[
        str | None,
        typer.Option(
            help="A version's number or alias. [default: staging gets the newest that is Approved, production what is"
            " in staging]",
            metavar="N",
        ),
    ] = None,
    canary: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=50,
            help="First so many percent of the traffic; 0: all at once. [default: production 10, staging 0]",
            metavar="PERCENT",
        ),
    ] = None,
    bake: Annotated[
        int, typer.Option(min=0, max=3600, help="For how long the canary is watched.", metavar="SECONDS")
    ] = 60,
    alarm: Annotated[
        list[str] | None,
        typer.Option(
            help="Take it back when this alarm goes off. May be given several times. [default: one on errors of the"
            " endpoint, which is made]",
            metavar="NAME",
        ),
    ] = None,
    smoke: Annotated[
        str | None,
        typer.Option(
            help="Try the version first: a file of requests (CSV or JSON lines), or a command that gets the endpoint's"
            " name as CLARY_ENDPOINT.",
            metavar="FILE|COMMAND",
        ),
    ] = None,
    instances: Annotated[int | None, typer.Option(min=1, help="[default: as many as now, else 1]", metavar="N")] = None,
    instance_type: Annotated[
        str | None, typer.Option(help="[default: as now, else the first that the package names]", metavar="TYPE")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            help="The role of the model. [default: as now, else that of the training job]", metavar="ARN|NAME"
        ),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="[default: GROUP-STAGE]", metavar="NAME")] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Serve again what was served before the last deployment.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Serve an approved version at an endpoint: clary deploy cars --to staging.

    The first deployment makes the endpoint. Later ones bring up the new version beside the old one, move a part of the
    traffic, watch, move the rest, and go back by themselves when an alarm goes off (exit code 4).
    """
    from clary.cli.registry.deploying import Asked
    from clary.cli.registry.deploying import deploy as run

    asked = Asked(
        group=group,
        stage=to,
        version=version,
        canary=canary,
        bake=bake,
        alarms=tuple(alarm or ()),
        smoke=smoke,
        instances=instances,
        instance_type=instance_type,
        role=role,
        endpoint=endpoint,
        rollback=rollback,
    )
    run(home, asked, json)
