"""`clary demo`: the worked examples, played from end to end."""

import secrets
import time
from pathlib import Path
from typing import Any

import orjson
import typer

from clary import home as homes
from clary.cli import server
from clary.cli.say import err, fail
from clary.config import Config, read
from clary.program import program

NAMES = ("car-evaluation", "iris-stress", "abalone", "churn")
SCALING_SPEED = "90"
"""Of a Clary that the demo starts for itself: what takes 3 and 15 minutes on AWS is seen in some ten seconds."""


def play(
    name: str,
    home: Path | None,
    port: int | None,
    keep: bool,
    json: bool,
    full: bool = False,
    report: Path | None = None,
    data: Path | None = None,
) -> None:
    """The demonstration has run; what it made is gone again unless `keep`."""
    if name not in NAMES:
        fail(f"there is no demo called {name!r}", f"there is: {', '.join(NAMES)}")
    if name != "iris-stress" and (full or report is not None):
        fail("--full and --report belong to the demo iris-stress")
    if data is not None and name not in _PIPELINES:
        fail(f"--data belongs to the demos {' and '.join(_PIPELINES)}")
    from botocore.exceptions import BotoCoreError, ClientError

    from clary.cli.demo.shared import DemoFailed
    from clary.cli.demo.stage import Stage
    from clary.stress.conduct import LoadFailed

    config = read(home=home, port=port)
    stage = Stage(name)
    err.print(f"[bold]clary demo {name}[/bold]: {_PLOTS[name]}, through boto3")
    running, ours = _ensure_server(config, stage, name)
    run = f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    demonstration = _demonstration(name, config, running.url, run, stage, full, report, data)
    problem = ""
    found: dict[str, Any] = {}
    try:
        found = demonstration.play()
        if not keep:
            demonstration.clean_up()
    except (DemoFailed, LoadFailed, ClientError, BotoCoreError) as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted"
    if problem and not keep:
        _clean_up_what_is_left(demonstration)
    if ours and not keep:
        with stage.step("stop Clary"):
            server.stop(config, running)
    if problem:
        fail(problem, f"with --keep everything is left to look at; the server's log is {config.server_log}")
    _report(stage, found, json)
    if keep and not json:
        _try_it(config, home, demonstration.name, found)


_PIPELINES = ("abalone", "churn")
_PLOTS = {
    "abalone": "a pipeline with a gate, from raw data to an endpoint",
    "churn": "a gate that compares, and holds",
    "car-evaluation": "from raw file to answered request",
    "iris-stress": "two models behind one endpoint, under load",
}


def _demonstration(
    name: str, config: Config, url: str, run: str, stage: Any, full: bool, report: Path | None, data: Path | None
) -> Any:
    clients = _clients(config, url)
    if name == "abalone":
        from clary.cli.demo.abalone import Abalone

        return Abalone(clients, config.region, url, run, stage, data)
    if name == "churn":
        from clary.cli.demo.churn import Churn

        return Churn(clients, config.region, url, run, stage, data)
    if name == "car-evaluation":
        from clary.cli.demo.car_evaluation import CarEvaluation

        return CarEvaluation(clients, config.region, run, stage)
    from clary.cli.demo.iris_load import FULL, SHORT
    from clary.cli.demo.iris_stress import ENDPOINT, IrisStress
    from clary.stress.plan import Keys
    from clary.stress.target import Target

    keys = homes.read(config).keys
    target = Target(url, config.region, Keys(keys.access_key_id, keys.secret_access_key), ENDPOINT)
    return IrisStress(clients, target, run, stage, FULL if full else SHORT, report or Path("iris-stress.html"))


def _clean_up_what_is_left(demonstration: Any) -> None:
    """Tried once more after a failure; what cannot be removed is said, beside the failure that matters."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        demonstration.clean_up()
    except (ClientError, BotoCoreError) as error:
        err.print(f"[yellow]clary:[/yellow] not everything could be cleaned up: {error}")


def _ensure_server(config: Config, stage: Any, name: str) -> tuple[homes.Server, bool]:
    """A server runs on this home; and whether it was started here. For the stress test its autoscaling runs fast."""
    running = homes.server(config)
    if running is not None:
        err.print(f"    using the Clary at {running.url}")
        return running, False
    settings = {"CLARY_AUTOSCALING_SPEED": SCALING_SPEED} if name == "iris-stress" else {}
    with stage.step("start Clary") as line:
        started = server.start(config, settings)
        line.result = started.url
    return started, True


def _clients(config: Config, url: str) -> Any:
    """boto3 clients that ride over a restart of the server."""
    import boto3
    from botocore.config import Config as Options

    keys = homes.read(config).keys
    session = boto3.Session(
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=config.region,
    )
    options = Options(proxies={}, retries={"mode": "standard", "max_attempts": 12}, connect_timeout=5, read_timeout=60)
    return lambda service: session.client(service, endpoint_url=url, config=options)


def _report(stage: Any, found: dict[str, Any], json: bool) -> None:
    whole = {"demo": stage.title, "seconds": stage.seconds, "steps": stage.steps, **found}
    if json:
        typer.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return
    from clary.cli.say import out

    if "stress" in found:
        from clary.stress.terminal import show

        show(found["stress"], out)
    elif "executions" in found:
        from clary.cli.demo.worked_report import show as show_worked

        show_worked(found, out)
    else:
        out.print(_accuracy(found))
    out.print(f"done in {whole['seconds']:.1f} s")


def _accuracy(found: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title="the endpoint's answers against the known truth", title_justify="left")
    table.add_column("part")
    for heading in ("cars", "right", "accuracy"):
        table.add_column(heading, justify="right")
    for part, score in found["accuracy"].items():
        name = {"holdout": "held out (never seen)", "all": "all cars"}.get(part, part)
        table.add_row(name, f"{score['rows']:,}", f"{score['right']:,}", f"{score['accuracy']:.4f}")
    return table


def _try_it(config: Config, home: Path | None, name: str, found: dict[str, Any]) -> None:
    from clary.cli.say import out

    where, clary = f" --home {home}" if home else "", program()
    running = homes.server(config)
    url = running.url if running else config.endpoint_url
    if "executions" in found:
        from clary.cli.demo.worked_report import try_it

        try_it(found, where, config.region, url, out)
        return
    if name == "iris-model-production":
        out.print(
            f"""
Everything is left as it is. Try it (the rows: sepal length, sepal width, petal length, petal width in cm):

  printf '5.1,3.5,1.4,0.2\\n6.0,2.2,4.0,1.0\\n6.3,3.3,6.0,2.5\\n' > iris.csv
  {clary} stress {name} --rate 500 --duration 20 --watch 60 --data iris.csv --report stress.html{where}

Stop Clary with: {clary} down{where}""",
            markup=False,
        )
        return
    out.print(
        f"""
Everything is left as it is. Try it:

  eval "$({clary} env{where})"

  curl --aws-sigv4 aws:amz:{config.region}:sagemaker --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
       -H 'Content-Type: text/csv' --data '0,0,3,2,2,2' {url}/endpoints/{name}/invocations

  python -c "
import boto3
answer = boto3.client('sagemaker-runtime').invoke_endpoint(
    EndpointName='{name}', ContentType='text/csv', Body='0,0,3,2,2,2')
print(answer['Body'].read().decode(), '  (0 unacc, 1 acc, 2 good, 3 vgood)')"

The six numbers: buying and maint (0 low .. 3 vhigh), doors (0 two .. 3 five or more), persons (0 two, 1 four,
2 more), lug_boot (0 small .. 2 big), safety (0 low .. 2 high). Stop Clary with: {clary} down{where}""",
        markup=False,
    )
