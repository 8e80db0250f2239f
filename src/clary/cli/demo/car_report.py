"""What is shown of the cars: how often the endpoint was right, and how to go on asking it."""

from typing import Any

from rich.console import Console
from rich.table import Table

from clary.program import program

_WORDS = "low,low,5more,more,big,high"
_CODES = "0,0,3,2,2,2"
_IN_WORDS = """The six words: buying and maint (low .. vhigh), doors (2, 3, 4, 5more), persons (2, 4, more), lug_boot
(small, med, big), safety (low, med, high)."""
_IN_CODES = """The six numbers: buying and maint (0 low .. 3 vhigh), doors (0 two .. 3 five or more), persons (0 two,
1 four, 2 more), lug_boot (0 small .. 2 big), safety (0 low .. 2 high)."""


def accuracy(found: dict[str, Any]) -> Table:
    table = Table(title="the endpoint's answers against the known truth", title_justify="left")
    table.add_column("part")
    for heading in ("cars", "right", "accuracy"):
        table.add_column(heading, justify="right")
    for part, score in found["accuracy"].items():
        name = {"holdout": "held out (never seen)", "all": "all cars"}.get(part, part)
        table.add_row(name, f"{score['rows']:,}", f"{score['right']:,}", f"{score['accuracy']:.4f}")
    return table


def try_it(found: dict[str, Any], where: str, region: str, url: str, out: Console) -> None:
    """How to ask the endpoint that was left."""
    clary, name = program(), found["endpoint"]
    light = found["road"] == "light"
    body, answers = (_CODES, "  (0 unacc, 1 acc, 2 good, 3 vgood)") if light else (_WORDS, "")
    out.print(
        f"""
Everything is left as it is. Try it:

  eval "$({clary} env{where})"

  curl --aws-sigv4 aws:amz:{region}:sagemaker --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
       -H 'Content-Type: text/csv' --data '{body}' {url}/endpoints/{name}/invocations

  python -c "
import boto3
answer = boto3.client('sagemaker-runtime').invoke_endpoint(
    EndpointName='{name}', ContentType='text/csv', Body='{body}')
print(answer['Body'].read().decode(){f", '{answers}'" if answers else ""})"

{_IN_CODES if light else _IN_WORDS} Stop Clary with: {clary} down{where}""",
        markup=False,
    )
