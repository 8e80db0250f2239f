"""Is a car worth its price? The road as a pipeline of plain functions: split the data, train, judge, register.

    python native.py car.data BUCKET ROLE      # the pipeline is on the server, and its data in the bucket

Then `clary pipeline run car-evaluation`, `clary approve car-evaluation`, `clary deploy car-evaluation --to staging`.
The version says where the document of its page is, so that anybody can be given a form instead of six codes.
"""

import csv
import json
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
CLASSES = ("unacc", "acc", "good", "vgood")
FOUR = {"vhigh": "Very high", "high": "High", "med": "Medium", "low": "Low"}
ATTRIBUTES: dict[str, tuple[str, dict[str, str]]] = {
    "buying": ("Price", FOUR),
    "maint": ("Cost of upkeep", FOUR),
    "doors": ("Doors", {"2": "2", "3": "3", "4": "4", "5more": "5 or more"}),
    "persons": ("Seats", {"2": "2", "4": "4", "more": "More than 4"}),
    "lug_boot": ("Boot", {"small": "Small", "med": "Medium", "big": "Big"}),
    "safety": ("Safety", {"low": "Low", "med": "Medium", "high": "High"}),
}
"""Title and words of each column. A word's code is its place: words of these columns have an order."""
EXAMPLES = {
    "A safe family car": ("low", "low", "4", "more", "big", "high"),
    "A fair bargain": ("med", "low", "4", "4", "med", "med"),
    "A dear two-seater": ("vhigh", "high", "2", "2", "small", "high"),
}


@step(outputs=["train", "validation", "test", "page"], options=AGAIN)
def prepare(data: Path, seed: int, train: Path, validation: Path, test: Path, page: Path) -> dict[str, int]:
    """The class first, then six codes; 70, 15 and 15 % of the rows, shuffled. And the document of the model's page."""
    with data.open(newline="") as file:
        words = [tuple(row) for row in csv.reader(file) if row]
    rows = [[CLASSES.index(label), *codes(six)] for *six, label in words]
    random.Random(seed).shuffle(rows)
    first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
    parts = {train: rows[:first], validation: rows[first:second], test: rows[second:]}
    for place, part in parts.items():
        with (place / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows(part)
    (page / "page.json").write_text(json.dumps(document({row[:-1]: row[-1] for row in words}), indent=1))
    return {place.name: len(part) for place, part in parts.items()}


def codes(six: Any) -> list[int]:
    """Six words as six numbers. Raises ValueError for a word that its column does not have."""
    return [list(words).index(word) for word, (_, words) in zip(six, ATTRIBUTES.values(), strict=True)]


def document(known: dict[tuple[str, ...], str]) -> dict[str, Any]:
    """What the model's page shows: a choice for each column, the classes, and cars whose class the data tells."""
    properties = {
        name: {"title": title, "oneOf": [choice(code, *both) for code, both in enumerate(words.items())]}
        for name, (title, words) in ATTRIBUTES.items()
    }
    examples = [
        {"title": title, "values": dict(zip(ATTRIBUTES, codes(car), strict=True)), "expected": known[car]}
        for title, car in EXAMPLES.items()
        if car in known
    ]
    return {
        "title": "Is this car worth its price?",
        "description": "Six facts about a car: unacc (not acceptable), acc (acceptable), good, or vgood (very good)?",
        "contentType": "text/csv",
        "accept": "text/csv",
        "input": {"type": "object", "properties": properties, "required": list(properties)},
        "output": {"kind": "classes", "labels": list(CLASSES)},
        "examples": examples,
    }


def choice(code: int, word: str, said: str) -> dict[str, Any]:
    """The number for the model, the words for people, and the word that stands in files of cars."""
    return {"const": code, "title": said, "examples": [word]}


@step(image=XGBOOST, options=AGAIN)
def evaluate(model: Path, test: Path) -> dict[str, Any]:
    """On rows that the training never saw: how many are right, and how many of each class are found."""
    import numpy
    import xgboost

    with tarfile.open(model) as archive:
        file = archive.extractfile("xgboost-model")
        assert file is not None
        booster = pickle.load(file)
    rows = numpy.loadtxt(test / "rows.csv", delimiter=",")
    true, said = rows[:, 0], booster.predict(xgboost.DMatrix(rows[:, 1:])).argmax(axis=1)
    found = {"accuracy": (true == said).mean(), "majority": numpy.bincount(true.astype(int)).max() / len(true)}
    for number, label in enumerate(CLASSES):
        if (true == number).any():
            found[f"recall_{label}"] = (said[true == number] == number).mean()
    return {"multiclass_classification_metrics": {name: {"value": round(float(v), 4)} for name, v in found.items()}}


def build(name: str, bucket: str) -> Pipeline:
    """The pipeline; the group in which it registers has its name."""
    least = Parameter("LeastAccuracy", 0.93)
    split = prepare(data=Parameter("Data", f"s3://{bucket}/raw/car.data"), seed=7)
    train = xgboost(
        "train",
        split.outputs["train"],
        split.outputs["validation"],
        objective="multi:softprob",
        num_class=len(CLASSES),
        eval_metric="merror,mlogloss",
        num_round=Parameter("Rounds", 120),
        max_depth=6,
        eta=0.3,
        seed=7,
        options=AGAIN,
    )
    judged = evaluate(model=train.model, test=split.outputs["test"])
    accuracy = judged.result["multiclass_classification_metrics"]["accuracy"]["value"]
    page = join(split.outputs["page"], "page.json", on="/")
    version = register("register", name, train.model, metrics=judged.result, properties={"clary:page": page})
    gate = condition(
        "good-enough",
        accuracy >= least,
        then=[version],
        otherwise=[fail("not-good-enough", join("the accuracy ", accuracy, " is below ", least))],
    )
    return Pipeline(name, [gate], bucket=bucket, description="Car evaluation: is a car worth its price?")


def main(file: str, bucket: str, role: str, name: str = "car-evaluation") -> None:
    import boto3

    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    s3.upload_file(file, bucket, "raw/car.data")
    print(build(name, bucket).upsert(sagemaker, role, s3=s3))


if __name__ == "__main__":
    main(*sys.argv[1:])
