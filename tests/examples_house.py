"""Where the worked examples stand, and their made-up data."""

from pathlib import Path

from clary.cli.demo import abalone_data, churn_data

EXAMPLES = Path(__file__).parents[1] / "examples"


def made_up(name: str, seed: int = 1) -> str:
    """Rows in the form of the published data."""
    return {"abalone": abalone_data.snails, "churn": churn_data.customers}[name](seed)
