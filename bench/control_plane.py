"""Calls per second of the control plane, signed, over HTTP, against moto's server in the same run.

The requests are the same bytes but for the keys; Clary verifies each signature and writes each change to disk, moto
does neither. Creating models is compared rather than creating jobs, because a job that is created here also runs.
A server that closes the connection after an answer pays for the next one, as it does with real clients.
"""

import time

from bench import load, report, servers

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def _model(n: int) -> dict[str, object]:
    return {
        "ModelName": f"model-{n}",
        "PrimaryContainer": {"Image": IMAGE, "Environment": {"NUMBER": str(n)}},
        "Tags": [{"Key": "team", "Value": "bench"}],
    }


def _measure(server: servers.Server, sizes: dict[str, int]) -> dict[str, dict[str, float]]:
    figures = {}
    creates = [load.sagemaker(server, "CreateModel", _model(n)) for n in range(sizes["create"])]
    figures["create_c1"] = load.run(server, creates, 1).figures()
    more = [load.sagemaker(server, "CreateModel", _model(n)) for n in range(len(creates), 2 * len(creates))]
    figures["create_c8"] = load.run(server, more, 8).figures()
    describe = [
        load.sagemaker(server, "DescribeModel", {"ModelName": f"model-{n % len(creates)}"})
        for n in range(sizes["describe"])
    ]
    figures["describe_c1"] = load.run(server, describe, 1).figures()
    figures["describe_c8"] = load.run(server, describe, 8).figures()
    lists = [load.sagemaker(server, "ListModels", {"MaxResults": 100}) for _ in range(sizes["list"])]
    figures["list_c8"] = load.run(server, lists, 8).figures()
    return figures


def main(smoke: bool) -> None:
    sizes = {"create": 50, "describe": 100, "list": 10} if smoke else {"create": 2000, "describe": 8000, "list": 500}
    smaller = {name: max(10, size // 10) for name, size in sizes.items()}
    figures, notes = {}, []
    with servers.clary() as server:
        figures["clary"] = _measure(server, sizes)
    if servers.has_moto():
        with servers.moto() as server:
            began = time.monotonic()
            figures["moto"] = _measure(server, smaller)
            notes.append(f"moto was given a tenth of the requests and took {time.monotonic() - began:.0f} s")
    else:
        notes.append("moto is not installed here, so there is nothing to compare with: make bench installs it")
    ratios = {
        f"{name}_{unit}_vs_moto": round(figures["clary"][name][unit] / figures["moto"][name][unit], 1)
        for name in figures["clary"]
        for unit in ("per_second", "per_cpu_second")
        if "moto" in figures
    }
    report.keep("control_plane", figures, ratios, smoke=smoke, notes=notes)
