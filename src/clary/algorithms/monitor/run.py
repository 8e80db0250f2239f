"""One analysis, from the environment to the files that it leaves."""

import json
import signal
from collections.abc import Iterator, Mapping
from typing import Any

from clary.algorithms.contract import ClientError, Contract, Stop, run_training, say
from clary.algorithms.monitor import checks, constraints, features, records, report, source, statistics
from clary.algorithms.monitor.settings import Settings
from clary.algorithms.monitor.statistics import Table

Doc = dict[str, Any]


def main(environ: Mapping[str, str]) -> int:
    """The exit code: 0, or 1 with the reason in output/failure."""

    def analyze(contract: Contract, stop: Stop) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # there is nothing to keep of half an analysis
        run(contract, environ)

    return run_training(Contract.read(environ), analyze)


def run(contract: Contract, environ: Mapping[str, str]) -> None:
    """The files of the analysis are below output_path. Raises ClientError."""
    settings = Settings.read(environ)
    if not _is_first_host(contract):
        say("The first host analyzes all of the data: there is nothing to do here.")
        return
    if settings.quality is None:
        found = _data_quality(contract, settings)
    else:
        from clary.algorithms.monitor import quality

        found = quality.run(contract, settings, settings.quality)
    if settings.postprocessor is not None:
        _postprocess(settings)
    report.conclude(contract, found)


def _is_first_host(contract: Contract) -> bool:
    try:
        cluster = json.loads((contract.root / "config/resourceconfig.json").read_bytes())
    except FileNotFoundError:
        return True
    return bool(cluster.get("current_host") == (cluster.get("hosts") or [None])[0])


def _data_quality(contract: Contract, settings: Settings) -> list[Doc]:
    """The violations."""
    limits, baseline = report.read(settings.constraints), report.read(settings.statistics)
    known = [one["name"] for one in (limits or baseline or {}).get("features") or []]
    watched = features.watched(baseline)
    for name, values in features.watched(limits).items():
        watched.setdefault(name, set()).update(values)
    preprocess = records.preprocessor(settings.preprocessor)
    table = Table(watched).read(source.batches(settings, preprocess, known))
    if not table.rows:
        raise ClientError("The data set has no row that can be analyzed.")
    say(f"Analyzed {table.rows} rows of {len(table.features)} columns.")
    report.write(settings.output, report.STATISTICS, statistics.document(table))
    report.write(settings.output, report.CONSTRAINTS, constraints.document(table, settings.categorical_drift))
    found = checks.Findings((), {})
    if limits is not None:
        found = checks.compare(table, limits, baseline)
        report.write(settings.output, report.VIOLATIONS, {"violations": list(found.violations)})
    if settings.metrics:
        report.publish(contract, settings.dimensions, _metrics(table, found, limits))
    return list(found.violations)


def _metrics(table: Table, found: checks.Findings, limits: Doc | None) -> Iterator[Doc]:
    config = (limits or {}).get("monitoring_config") or {}
    if str(config.get("emit_metrics", "Enabled")).lower() == "disabled":
        return
    for name, feature in table.features.items():
        if feature.numbers and not feature.texts:
            values = {
                "Maximum": feature.high,
                "Minimum": feature.low,
                "Sum": feature.sum,
                "SampleCount": float(feature.numbers),
            }
            yield {"MetricName": f"feature_data_{name}", "StatisticValues": values}
        if feature.rows:
            yield {"MetricName": f"feature_non_null_{name}", "Value": feature.present / feature.rows}
        if name in found.drifts:
            yield {"MetricName": f"feature_baseline_drift_{name}", "Value": found.drifts[name]}


def _postprocess(settings: Settings) -> None:
    assert settings.postprocessor is not None
    handler = records.program(settings.postprocessor, "postprocess_handler")
    try:
        handler()
    except Exception as error:
        name = settings.postprocessor.name
        raise ClientError(f"postprocess_handler of {name} raised {type(error).__name__}: {error}") from error
