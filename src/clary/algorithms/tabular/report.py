"""Metric lines in the job's log, in the form that AWS's metric definitions look for."""

from clary.algorithms.contract import say


def quality(host: str, data: str, metric: str, value: float, *, better: str, epoch: int | None = None) -> None:
    """One value of one metric on one data set. `better`: "loss" when less is, "score" when more is."""
    when = "" if epoch is None else f", epoch={epoch}"
    say(f"#quality_metric: host={host}{when}, {data} {metric} <{better}>={value:.10g}")


def progress(host: str, epoch: int, epochs: int) -> None:
    say(f"#progress_metric: host={host}, completed {100 * (epoch + 1) / epochs:g} % of epochs")
