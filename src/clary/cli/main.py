"""The command line: what each command is called, what it takes, what it says about itself. The work is in its own file,
imported only when it is asked for."""

from pathlib import Path
from typing import Annotated

import typer

from clary.cli import lineage, sql
from clary.cli.app.commands import app as pages
from clary.cli.pipeline.commands import app as pipeline
from clary.cli.registry import commands as registry

app = typer.Typer(
    name="clary",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="SageMaker's API, your machines, seconds instead of minutes.",
    pretty_exceptions_enable=False,
)

user = typer.Typer(no_args_is_help=True, help="People and programs of their own: users, their keys and permissions.")
app.add_typer(user, name="user")
app.add_typer(pipeline, name="pipeline")
app.add_typer(pages, name="app")

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where Clary keeps everything. [default: ~/.clary]", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]


@app.command()
def up(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one. [default: 4810]")] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; stop it with `clary down`.")
    ] = False,
) -> None:
    """Start Clary. The first start makes the home, an account and its keys."""
    from clary.cli import server

    server.up(home, host, port, detach)


@app.command()
def down(
    home: HomeOption = None,
    jobs: Annotated[bool, typer.Option("--jobs", help="Stop running jobs too. Without it they run on.")] = False,
) -> None:
    """Stop Clary and its model servers. Running jobs go on and are taken up again by the next `clary up`."""
    from clary.cli import server

    server.down(home, jobs)


@app.command()
def status(home: HomeOption = None, json: JsonOption = False) -> None:
    """Say whether Clary runs, where, and what it is doing. Exit code 3: it does not run."""
    from clary.cli import server

    server.status(home, json)


@app.command()
def console(
    home: HomeOption = None,
    user: Annotated[
        str | None, typer.Option(help="Sign in as this IAM user, with that user's permissions.", metavar="NAME")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
    json: JsonOption = False,
) -> None:
    """Print a link that signs in to the console in a browser: once, within ten minutes."""
    from clary.cli.console import show

    show(home, user, browse, json)


@app.command()
def env(home: HomeOption = None, json: JsonOption = False) -> None:
    """Print the variables that make boto3, the AWS CLI and SDKs talk to Clary.

    Use it as: eval "$(clary env)"
    """
    from clary.cli import environment

    environment.show(home, json)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The program and its arguments.", metavar="-- COMMAND...")],
    home: HomeOption = None,
    role: Annotated[
        str | None, typer.Option(help="Act as this IAM role, as a notebook or job would.", metavar="NAME")
    ] = None,
    no_proxy: Annotated[
        bool, typer.Option("--no-proxy", help="Set variables only: AWS's own host names lead to AWS.")
    ] = False,
) -> None:
    """Run any program against Clary: clary run -- python train.py

    It gets the environment of `clary env` and, until it ends, a proxy that answers AWS's own host names.
    """
    from clary.cli import environment

    environment.run(home, command, role, not no_proxy)


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="car-evaluation, iris-stress, abalone or churn.")] = "car-evaluation",
    home: HomeOption = None,
    port: Annotated[int | None, typer.Option(help="Port, when the demo starts Clary itself.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything as it is, and print how to try it.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="iris-stress: the lab's whole runs, 100,000 requests in the last.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="iris-stress: where the report goes. [default: iris-stress.html]", metavar="FILE"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="abalone, churn: the published file, or rows like it. [default: made up]",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    light: Annotated[
        bool, typer.Option("--light", help="car-evaluation: without Spark, also where it could run.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Go the whole road once, through boto3 alone.

    car-evaluation: from raw file to answered request; by Spark where there is a Java for it. iris-stress: two models
    behind one endpoint with autoscaling, under load. abalone: a pipeline with a gate, registry, approval, endpoint and
    lineage. churn: the same with a gate that compares with the version in service, and holds.
    """
    from clary.cli.demo import Asked, play

    play(Asked(name, home, port, keep, json, full, report, data, light))


@app.command()
def stress(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Open loop: so many requests a second, sent when they are due, answered or not.",
            metavar="R",
        ),
    ] = None,
    connections: Annotated[
        int | None,
        typer.Option(
            "--connections",
            "-c",
            min=1,
            max=20_000,
            help="Closed loop: so many clients, each sends its next request when it has its answer. With --rate: the"
            " most that are opened. [default: 10; 512 with --rate]",
            metavar="C",
        ),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=0.001, help="Send for so long. [default: 10, unless --requests]", metavar="SECONDS"),
    ] = None,
    requests: Annotated[int | None, typer.Option("--requests", "-n", min=1, help="Send so many.", metavar="N")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV or JSON lines: one request a line, in turn. [default: what the endpoint captured]", metavar="FILE"
        ),
    ] = None,
    content_type: Annotated[str | None, typer.Option(help="[default: by the file's name]", metavar="TYPE")] = None,
    accept: Annotated[str | None, typer.Option(help="The type of the answers.", metavar="TYPE")] = None,
    target_variant: Annotated[str | None, typer.Option(help="Send everything to this variant.", metavar="NAME")] = None,
    skip_header: Annotated[bool, typer.Option("--skip-header", help="The first line names the columns.")] = False,
    label: Annotated[
        str | None,
        typer.Option(
            help="A column that is not sent but compared with the answers: its number (-1 is the last) or name.",
            metavar="COLUMN",
        ),
    ] = None,
    rows_per_request: Annotated[int, typer.Option(min=1, help="Send so many lines together.", metavar="N")] = 1,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="An answer that takes longer is an error.", metavar="SECONDS")
    ] = 60.0,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes of the load. [default: by the cores]", metavar="N")
    ] = None,
    sign_each: Annotated[
        bool,
        typer.Option("--sign-each", help="Sign each request right before it is sent, not 20,000 before the start."),
    ] = False,
    watch: Annotated[
        float,
        typer.Option(min=0, help="Look on for so long after the load, say for a scale-in.", metavar="SECONDS"),
    ] = 0.0,
    max_errors: Annotated[int, typer.Option(min=0, help="More errors than this: exit code 1.", metavar="N")] = 0,
    report: Annotated[Path | None, typer.Option(help="Write a page of one file.", metavar="FILE.html")] = None,
    url: Annotated[
        str | None, typer.Option(help="Another server than the one of the home, with the keys of AWS clients.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="[default: the setting, or the AWS client's]")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Load on an endpoint: throughput, percentiles, errors and scaling on one time line.

    Signed requests from processes of its own, in a closed loop (--connections) or an open one (--rate). Nothing is sent
    twice: what fails is counted. Ctrl-C ends it with the report so far.
    """
    from clary.cli.stress import Options
    from clary.cli.stress import run as load

    load(
        Options(
            endpoint=endpoint,
            rate=rate,
            connections=connections,
            duration=duration,
            requests=requests,
            data=data,
            content_type=content_type,
            accept=accept,
            target_variant=target_variant,
            skip_header=skip_header,
            label=label,
            rows_per_request=rows_per_request,
            timeout=timeout,
            processes=processes,
            sign_each=sign_each,
            watch=watch,
            max_errors=max_errors,
            report=report,
            json=json,
            url=url,
            region=region,
            home=home,
        )
    )


registry.register(app)
lineage.register(app)
sql.register(app)


@user.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            help="What the user may do: the ARN of a policy, the name of one of AWS's, or a file with a document."
            " May be given several times.",
            metavar="ARN|NAME|FILE",
        ),
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="A group to be in. May be given several times.")
    ] = None,
    path: Annotated[str, typer.Option(help="The path in its ARN.")] = "/",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Make a user, and print the variables with which any AWS client acts as it.

    Use it as: clary user add ada --policy AmazonSageMakerFullAccess
    """
    from clary.cli import user as users

    users.add(home, name, policy or [], group or [], path, json)


@user.command("list")
def user_list(home: HomeOption = None, json: JsonOption = False) -> None:
    """Print every user with its groups, policies and keys."""
    from clary.cli import user as users

    users.show(home, json)


@user.command("keys")
def user_keys(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new key and delete the others; print the new variables.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print the access keys of a user: whether they sign, and when they last did."""
    from clary.cli import user as users

    users.keys(home, name, rotate, json)


@user.command("env")
def user_env(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print the variables with which any AWS client acts as the user.

    Use it as: eval "$(clary user env ada)"
    """
    from clary.cli import user as users

    users.env(home, name, json)


@user.command("remove")
def user_remove(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    home: HomeOption = None,
) -> None:
    """Delete a user with its keys and inline policies. What it made stays."""
    from clary.cli import user as users

    users.remove(home, name)


@app.command()
def doctor(home: HomeOption = None, json: JsonOption = False) -> None:
    """Check this machine: sandbox, port, disk, optional engines; say how to mend what is missing."""
    from clary.cli.doctor import show

    show(home, json)


@app.command()
def version() -> None:
    """Print the version."""
    from clary import __version__

    typer.echo(__version__)
