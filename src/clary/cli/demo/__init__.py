"""`clary demo`: the worked examples, played from end to end."""

import secrets
import time
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What `clary demo` was told."""

    name: str
    home: Path | None = None
    port: int | None = None
    keep: bool = False
    json: bool = False
    full: bool = False
    report: Path | None = None
    data: Path | None = None
    light: bool = False

    def check(self) -> None:
        """Fails where options are not the demonstration's own."""
        if self.name not in NAMES:
            fail(f"there is no demo called {self.name!r}", f"there is: {', '.join(NAMES)}")
        if self.name != "iris-stress" and (self.full or self.report is not None):
            fail("--full and --report belong to the demo iris-stress")
        if self.data is not None and self.name not in _PIPELINES:
            fail(f"--data belongs to the demos {' and '.join(_PIPELINES)}")
        if self.light and self.name != "car-evaluation":
            fail("--light belongs to the demo car-evaluation")


def play(asked: Asked) -> None:
    """The demonstration has run; what it made is gone again unless `keep`."""
    asked.check()
    from botocore.exceptions import BotoCoreError, ClientError

    from clary.cli.demo.shared import DemoFailed
    from clary.cli.demo.stage import Stage
    from clary.stress.conduct import LoadFailed

    name, keep = asked.name, asked.keep
    config = read(home=asked.home, port=asked.port)
    stage = Stage(name)
    err.print(f"[bold]clary demo {name}[/bold]: {_PLOTS[name]}, through boto3")
    running, ours = _ensure_server(config, stage, name)
    run = f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    demonstration = _demonstration(asked, config, running.url, run, stage)
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
    _report(stage, found, asked.json)
    if keep and not asked.json:
        _try_it(config, asked.home, demonstration.name, found)


_PIPELINES = ("abalone", "churn")
_PLOTS = {
    "abalone": "a pipeline with a gate, from raw data to an endpoint",
    "churn": "a gate that compares, and holds",
    "car-evaluation": "from raw file to answered request",
    "iris-stress": "two models behind one endpoint, under load",
}


def _demonstration(asked: Asked, config: Config, url: str, run: str, stage: Any) -> Any:
    name, clients, data = asked.name, _clients(config, url), asked.data
    if name == "abalone":
        from clary.cli.demo.abalone import Abalone

        return Abalone(clients, config.region, url, run, stage, data)
    if name == "churn":
        from clary.cli.demo.churn import Churn

        return Churn(clients, config.region, url, run, stage, data)
    if name == "car-evaluation":
        return _car_evaluation(asked.light, clients, config, run, stage)
    from clary.cli.demo.iris_load import FULL, SHORT
    from clary.cli.demo.iris_stress import ENDPOINT, IrisStress
    from clary.stress.plan import Keys
    from clary.stress.target import Target

    keys = homes.read(config).keys
    target = Target(url, config.region, Keys(keys.access_key_id, keys.secret_access_key), ENDPOINT)
    return IrisStress(
        clients, target, run, stage, FULL if asked.full else SHORT, asked.report or Path("iris-stress.html")
    )


def _car_evaluation(light: bool, clients: Any, config: Config, run: str, stage: Any) -> Any:
    """By Spark where it can run, else with a lighter job; says which road it is."""
    from clary.engines.spark.found import missing

    lacks = missing()
    if light or lacks:
        from clary.cli.demo.car_evaluation import CarEvaluation

        err.print(f"    the light road, without Spark{'' if light else f'. {lacks}'}", markup=False)
        return CarEvaluation(clients, config.region, run, stage)
    from clary.cli.demo.car_spark import CarBySpark

    err.print("    the whole road: Glue with Spark, and three containers (--light: without Spark)")
    return CarBySpark(clients, config.region, run, stage)


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
        from clary.cli.demo.car_report import accuracy

        out.print(accuracy(found))
    out.print(f"done in {whole['seconds']:.1f} s")


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
    from clary.cli.demo.car_report import try_it as try_cars

    try_cars(found, where, config.region, url, out)
