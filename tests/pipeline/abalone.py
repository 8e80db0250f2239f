"""Abalone: how old is a snail? Split the data, train, judge the model, register what is good enough."""

import csv
import pickle
import tarfile
from pathlib import Path

from clary.pipeline import Parameter, Pipeline, condition, fail, register, step, xgboost
from clary.pipeline.jobs import XGBOOST

data, limit = Parameter("Data", str), Parameter("MaxError", 6.0)


@step(outputs=["train", "test"])
def prepare(data: Path, share: float, train: Path, test: Path) -> int:
    with data.open() as file:
        rows = [[rings, "MFI".index(sex), *sizes] for sex, *sizes, rings in csv.reader(file)]
    cut = int(len(rows) * share)
    for place, part in ((train, rows[:cut]), (test, rows[cut:])):
        with (place / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows(part)
    return len(rows)


@step(image=XGBOOST)
def evaluate(model: Path, test: Path) -> dict:
    import numpy
    import xgboost

    with tarfile.open(model) as archive:
        booster = pickle.load(archive.extractfile("xgboost-model"))
    rows = numpy.loadtxt(test / "rows.csv", delimiter=",")
    error = ((booster.predict(xgboost.DMatrix(rows[:, 1:])) - rows[:, 0]) ** 2).mean()
    return {"regression_metrics": {"mse": {"value": error}}}


split = prepare(data=data, share=0.8)
train = xgboost("train", split.outputs["train"], objective="reg:squarederror", num_round=50, max_depth=4)
judged = evaluate(model=train.model, test=split.outputs["test"])
error = judged.result["regression_metrics"]["mse"]["value"]
version = register("register", "abalone", train.model, metrics=judged.result)
gate = condition("good-enough", error <= limit, then=[version], otherwise=[fail("too-bad", "the error is too large")])
pipeline = Pipeline("abalone", [gate], bucket="lake")
