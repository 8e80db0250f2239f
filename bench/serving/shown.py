"""The figures that the budgets name, and what has to be said beside them."""

from typing import Any

NOTES = [
    "c1, c16, c64: connections of one row a request; b100: 100 rows a request on 16 connections",
    "load and server share the cores; busy_cores: of all programs meanwhile; cpu_us: of the server",
    "Clary verifies every signature, decides, counts and captures 10 %; peers are asked unsigned, and do none of it",
    "clary: two fronts that hold the compiled model themselves (CLARY_FRONTS=2, CLARY_GRAPHS_IN=fronts), two instances",
    "clary_workers: the default, where compiled models are in processes of their own that may die unnoticed",
    "peers run a handler of pandas, scikit-learn and XGBoost, batching on; fastapi_graph runs our graph",
    "rss_mb of Clary: the fronts and the workers of compiled models, resident, shared pages counted for each",
    "three_containers: the same model in Clary with compilation off: a server for each container, as on SageMaker",
]


def ratios(figures: dict[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    """(ratios to peers, the figures of the budgets), as far as there are such."""
    ours = figures["clary"]
    found: dict[str, float] = {}
    for name, case, peer in (
        ("c64_vs_mlserver", "c64", "mlserver"),
        ("c64_vs_nginx", "c64", "nginx_static"),
        ("b100_vs_mlserver", "b100_c16", "mlserver"),
        ("c64_vs_bentoml", "c64", "bentoml"),
        ("c64_vs_litserve", "c64", "litserve"),
        ("c64_vs_ray_serve", "c64", "ray_serve"),
        ("c64_vs_fastapi_graph", "c64", "fastapi_graph"),
        ("c64_vs_three_containers", "c64", "three_containers"),
        ("b100_vs_three_containers", "b100_c16", "three_containers"),
    ):
        theirs = figures.get(peer, {}).get(case)
        if theirs and theirs["per_second"]:
            found[name] = round(ours[case]["per_second"] / theirs["per_second"], 3)
    budgets = {
        "c64_p99_ms": ours["c64"]["p99_ms"],
        "c16_p99_ms": ours["c16"]["p99_ms"],
        "c1_p50_ms": ours["c1"]["p50_ms"],
        "rss_mb": ours["rss_mb"],
        "deploy_s": ours["deploy_s"],
    }
    return found, budgets
