"""How old is a snail? Split the data, train, judge, register what is good enough: a pipeline of plain functions.

    python native.py abalone.csv BUCKET ROLE      # the pipeline is on the server, and its data in the bucket

Then `clary pipeline run abalone`, `clary approve abalone`, `clary deploy abalone --to staging`, then `--to production`.
"""

import csv
import pickle
import random
import sys
import tarfile
from pathlib import Path
from typing import Any

from clary.pipeline import Options, Parameter, Pipeline, condition, fail, join, register, step, xgboost
from clary.pipeline.jobs import XGBOOST

AGAIN = Options(cache=True)
"""What was done to the same content before is not done again."""


@step(outputs=["train", "validation", "test"], options=AGAIN)
def prepare(data: Path, seed: int, train: Path, validation: Path, test: Path) -> dict[str, int]:
    """The rings first, then M, F, I as 0 or 1, then the measures; 70, 15 and 15 % of the rows, shuffled."""
    with data.open() as file:
        rows = [[rings, *(int(sex == one) for one in "MFI"), *sizes] for sex, *sizes, rings in csv.reader(file)]
    random.Random(seed).shuffle(rows)
    first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
    parts = {train: rows[:first], validation: rows[first:second], test: rows[second:]}
    for place, part in parts.items():
        with (place / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows(part)
    return {place.name: len(part) for place, part in parts.items()}


@step(image=XGBOOST, options=AGAIN)
def evaluate(model: Path, test: Path) -> dict[str, Any]:
    """The squared error on rows that the training never saw, and what always saying the mean would cost."""
    import numpy
    import xgboost

    with tarfile.open(model) as archive:
        file = archive.extractfile("xgboost-model")
        assert file is not None
        booster = pickle.load(file)
    rows = numpy.loadtxt(test / "rows.csv", delimiter=",")
    wrong = rows[:, 0] - booster.predict(xgboost.DMatrix(rows[:, 1:]))
    error = {"value": float((wrong**2).mean()), "standard_deviation": float(wrong.std())}
    return {"regression_metrics": {"mse": error, "mse_of_the_mean": {"value": float(rows[:, 0].var())}}}


def build(name: str, bucket: str) -> Pipeline:
    """The pipeline; the group in which it registers has its name."""
    limit = Parameter("MaxError", 6.0)
    split = prepare(data=Parameter("Data", f"s3://{bucket}/raw/abalone.csv"), seed=42)
    train = xgboost(
        "train",
        split.outputs["train"],
        split.outputs["validation"],
        objective="reg:squarederror",
        num_round=50,
        max_depth=5,
        eta=0.2,
        gamma=4,
        min_child_weight=6,
        subsample=0.7,
        seed=42,
        options=AGAIN,
    )
    judged = evaluate(model=train.model, test=split.outputs["test"])
    error = judged.result["regression_metrics"]["mse"]["value"]
    gate = condition(
        "good-enough",
        error <= limit,
        then=[register("register", name, train.model, metrics=judged.result)],
        otherwise=[fail("too-wrong", join("the squared error ", error, " is over ", limit))],
    )
    return Pipeline(name, [gate], bucket=bucket, description="Abalone: rings of a snail by its measures")


def main(file: str, bucket: str, role: str, name: str = "abalone") -> None:
    import boto3

    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    s3.upload_file(file, bucket, "raw/abalone.csv")
    print(build(name, bucket).upsert(sagemaker, role, s3=s3))


if __name__ == "__main__":
    main(*sys.argv[1:])
