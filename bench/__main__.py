"""`python -m bench [NAME ...] [--smoke]`: run the benchmarks; `--smoke` on their smallest size, keeping nothing."""

import argparse
import importlib
import sys

NAMES = (
    "startup",
    "control_plane",
    "many_jobs",
    "jobs",
    "pipes",
    "authorization",
    "handover",
    "serving",
    "serving_parts",
    "s3",
    "transform",
    "tuning",
    "experiments",
    "pipelines",
    "console",
    "etl.warm",
    "etl.crawl",
    "etl.query",
    "etl.fused",
    "signals.logs",
    "signals.metrics",
    "signals.events",
    "signals.queues",
    "signals.alarms",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all): {', '.join(NAMES)}")
    parser.add_argument("--smoke", action="store_true", help="smallest size: shows that they run, stores nothing")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in asked.names or NAMES:
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main(smoke=asked.smoke)
    return 0


if __name__ == "__main__":
    sys.exit(main())
