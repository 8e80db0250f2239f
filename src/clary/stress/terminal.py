"""A measurement in the terminal: a live line while it runs, then figures and a plot."""

from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from clary.stress.measure import Run
from clary.stress.watch import Watch
from clary.stress.windows import Window

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 72
HEIGHT = 6
WIDE = 100
"""From so many columns on, every figure has a place."""


class TerminalLive:
    """One line a run on standard error: how far it is, how fast, how slow the slow ones are, errors, instances."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def begin(self, run: Run) -> None:
        plan = run.plan
        total = plan.requests or int((plan.seconds or 0) * 1000)
        self._progress.start()
        self._task = self._progress.add_task(run.name, total=total, detail="signing requests ...")

    def show(self, run: Run, recent: Window, seconds: float, watch: Watch) -> None:
        if self._task is None:
            return
        latency = recent.latency()
        p50, p99 = (us / 1e3 for us in latency.percentiles((0.5, 0.99)))
        counts = "+".join(str(int(seen[-1][1])) for seen in watch.instances.values())
        errors = run.totals.whole.failed
        detail = (
            f"[cyan]{latency.total / seconds:,.0f}/s[/cyan]  p50 {p50:.2f} ms  p99 {p99:.2f} ms  "
            f"[{'red' if errors else 'dim'}]{errors:,} errors[/]  [dim]instances {counts or '?'}[/dim]"
        )
        done = run.totals.sent if run.plan.requests else int(run.seconds * 1000)
        self._progress.update(self._task, completed=done, detail=detail)

    def end(self, run: Run) -> None:
        self._close()

    def rest(self, what: str) -> None:
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("no load", total=None, detail="")
        self._progress.update(self._task, detail=f"[dim]{what}[/dim]")

    def close(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()


def show(report: dict[str, Any], console: Console) -> None:
    """Figures, errors, plot and doubts of a whole measurement."""
    console.print(_runs(report, console.width >= WIDE))
    if any(len(run["variants"]) > 1 or "score" in _only(run) for run in report["runs"]):
        console.print(_variants(report))
    if report["server"]:
        console.print(_server(report))
    errors = [one for run in report["runs"] for one in run["errors_by_kind"]]
    for one in errors:
        console.print(Text.assemble(("  error ", "red"), f"{one['count']:,} x {one['kind']}: {one['message']}"))
    for line in plot(report, min(WIDTH, max(console.width - 30, 20))):
        console.print(line)
    for run in report["runs"]:
        for limit in run["client"]["limits"]:
            console.print(Text.assemble(("  the load generator was a limit ", "yellow"), f"({run['name']}): {limit}"))
    if report["machine"]["same_as_server"] and report["machine"]["processors_used"] > 0.95:
        used = f"{report['machine']['processors_used']:.0%}"
        console.print(f"  [yellow]all cores were busy[/yellow] ({used}): load and endpoint shared this machine's cores")
    for note in report["notes"]:
        console.print(Text.assemble(("  note ", "dim"), note))


def _only(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(run["variants"].values()), {})
    return found


def _table(title: str, heads: tuple[str, ...], words: int) -> Table:
    """The first `words` columns hold words, the others figures."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < words else "right", no_wrap=True)
    return table


def _runs(report: dict[str, Any], wide: bool) -> Table:
    shares = ("p50", "p90", "p99", "p99.9", "max") if wide else ("p50", "p99", "max")
    heads = ("run", "answered", "errors", *(("seconds",) if wide else ()), "per second", *shares[:-1], "max ms")
    table = _table(f"{report['endpoint']}, seen by the client", heads, 1)
    for run in report["runs"]:
        table.add_row(
            run["name"],
            f"{run['answered']:,}",
            Text(f"{run['errors']:,}", style="red" if run["errors"] else ""),
            *((f"{run['seconds']:.2f}",) if wide else ()),
            f"{run['per_second']:,.0f}",
            *(f"{run['latency_ms'][name]:.2f}" for name in shares),
        )
    return table


def _variants(report: dict[str, Any]) -> Table:
    scored = any("score" in one for run in report["runs"] for one in run["variants"].values())
    heads = ("run", "variant", "answered", "share", "p50", "p99 ms", *(("right answers",) if scored else ()))
    table = _table("variants (x-Amzn-Invoked-Production-Variant)", heads, 2)
    for run in report["runs"]:
        for name, one in run["variants"].items():
            score = [f"{one['score']:.4f}" if "score" in one else ""] if scored else []
            latency = one["latency_ms"]
            cells = (f"{one['answered']:,}", f"{one['share']:.1%}", f"{latency['p50']:.2f}", f"{latency['p99']:.2f}")
            table.add_row(run["name"], name or "(not said)", *cells, *score)
    return table


def _server(report: dict[str, Any]) -> Table:
    heads = ("variant", "metric", "invocations", "p50", "p90", "p99", "max ms")
    table = _table("seen by the server (CloudWatch, whole minutes)", heads, 2)
    for variant, metrics in report["server"].items():
        for metric in ("ModelLatency", "OverheadLatency"):
            values = metrics.get(metric, {})
            cells = [f"{values[name] / 1e3:.2f}" if name in values else "" for name in ("p50", "p90", "p99", "Maximum")]
            invocations = f"{metrics.get('Invocations', {}).get('Sum', 0):,.0f}"
            table.add_row(variant, metric, invocations, *cells)
    return table


def plot(report: dict[str, Any], width: int) -> list[Text]:
    """Throughput, p99 and instances over the whole time, a column of text a stretch of it."""
    points = report["timeline"]
    end = max([report["seconds"], *(point["t"] + point["length"] for point in points)], default=0.0)
    if not points or end <= 0:
        return []
    rates, waits, failed = [0.0] * width, [0.0] * width, [False] * width
    for point in points:
        first = int(point["t"] / end * width)
        last = max(first, int((point["t"] + point["length"]) / end * width - 1e-9))
        for column in range(first, min(last, width - 1) + 1):
            rates[column] = max(rates[column], point["per_second"])
            waits[column] = max(waits[column], point.get("p99_ms", 0.0))
            failed[column] = failed[column] or point["errors_per_second"] > 0
    lines = _columns("requests/s", rates, "cyan", failed) + _columns("p99 ms", waits, "yellow", failed)
    most = max((int(count) for seen in report["instances"].values() for _, count, _ in seen), default=1)
    lines += [_instances(name, seen, end, width, most) for name, seen in report["instances"].items()]
    lines.append(Text(f"{'':>12}0 s{f'{end:.0f} s':>{width - 3}}", style="dim"))
    return lines


def _columns(title: str, values: list[float], style: str, failed: list[bool]) -> list[Text]:
    top = max(values) or 1.0
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        label = f"{top:,.0f}" if top >= 10 else f"{top:.2f}"
        line = Text(f"{label if row == HEIGHT - 1 else title if row == HEIGHT - 2 else '':>10}  ", style="dim")
        for value, bad in zip(values, failed, strict=True):
            filled = value / top * HEIGHT - row
            mark = BARS[max(0, min(8, round(filled * 8)))] if value or row else " "
            if row == 0 and value and mark == " ":
                mark = BARS[1]
            line.append(mark, style="red" if bad else style)
        lines.append(line)
    return lines


def _instances(name: str, seen: list[list[float]], end: float, width: int, most: int) -> Text:
    """One row a variant: how many instances, as a share of the most that any variant had; and from how many to how
    many."""
    line = Text(f"{name[-10:]:>10}  ", style="dim")
    for column in range(width):
        at = (column + 1) / width * end
        known = [count for t, count, _ in seen if t <= at]
        count = int(known[-1]) if known else int(seen[0][1]) if seen else 0
        line.append(BARS[-(-8 * count // max(most, 1))], style="green")
    counts = [int(count) for _, count, _ in seen]
    least, largest = min(counts, default=0), max(counts, default=0)
    words = f"{largest}" if least == largest else f"{least}-{largest}"
    line.append(f"  {words} instance{'s' * (largest != 1)}", style="dim")
    return line
