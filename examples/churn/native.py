"""Who will leave? A model must beat the majority class and the version in service, or it is not registered.

    python native.py churn.csv BUCKET ROLE      # the pipeline is on the server, and its data in the bucket

It prints how to run it against what is in service. Then `clary approve churn`, `clary deploy churn --to staging`, then
`--to production`.
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
NOTHING = "nothing"
"""The parameter InService, when nothing is."""
KINDS = ("State", "Area Code", "Int'l Plan", "VMail Plan")
LEFT_OUT = ("Phone", "Churn?")


@step(outputs=["train", "validation", "test"], options=AGAIN)
def prepare(data: Path, seed: int, train: Path, validation: Path, test: Path) -> dict[str, int]:
    """Whether they left first, then the numbers, then each kind of a column of words as 0 or 1; 70, 15 and 15 % of the
    rows, shuffled."""
    with data.open(newline="") as file:
        table = list(csv.DictReader(file))
    kinds = {name: sorted({one[name] for one in table}) for name in KINDS}
    numbers = [name for name in table[0] if name not in (*KINDS, *LEFT_OUT)]
    rows = [
        [
            int(one["Churn?"] == "True."),
            *(one[name] for name in numbers),
            *(int(one[name] == kind) for name in KINDS for kind in kinds[name]),
        ]
        for one in table
    ]
    random.Random(seed).shuffle(rows)
    first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
    parts = {train: rows[:first], validation: rows[first:second], test: rows[second:]}
    for place, part in parts.items():
        with (place / "rows.csv").open("w", newline="") as file:
            csv.writer(file).writerows(part)
    return {place.name: len(part) for place, part in parts.items()}


@step(image=XGBOOST, options=AGAIN)
def evaluate(model: Path, test: Path) -> dict[str, float]:
    """On rows that the training never saw: accuracy, that of always saying the more frequent answer, and the area under
    the curve of the probabilities. Rounded to answers first, that area would be another, smaller number."""
    import numpy
    import xgboost
    from sklearn.metrics import roc_auc_score

    with tarfile.open(model) as archive:
        file = archive.extractfile("xgboost-model")
        assert file is not None
        booster = pickle.load(file)
    rows = numpy.loadtxt(test / "rows.csv", delimiter=",")
    left, chance = rows[:, 0] == 1, booster.predict(xgboost.DMatrix(rows[:, 1:]))
    found = {
        "accuracy": ((chance > 0.5) == left).mean(),
        "majority": max(left.mean(), 1 - left.mean()),
        "auc": roc_auc_score(left, chance),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def build(name: str, bucket: str) -> Pipeline:
    """The pipeline; the group in which it registers has its name. InService is the artifact of the version in service:
    it is judged by the same function on the same rows, whatever was said of it when it was registered."""
    least, in_service = Parameter("LeastAccuracy", 0.8), Parameter("InService", NOTHING)
    split = prepare(data=Parameter("Data", f"s3://{bucket}/raw/churn.csv"), seed=42)
    train = xgboost(
        "train",
        split.outputs["train"],
        split.outputs["validation"],
        objective="binary:logistic",
        eval_metric="error,auc",
        num_round=Parameter("Rounds", 100),
        max_depth=Parameter("Depth", 5),
        min_child_weight=Parameter("LeastWeight", 6.0),
        eta=0.2,
        gamma=4,
        subsample=0.8,
        seed=42,
        options=AGAIN,
    )
    judged = evaluate(model=train.model, test=split.outputs["test"]).result
    judging_it_too = evaluate.named("evaluate-in-service")(model=in_service, test=split.outputs["test"])
    rival = judging_it_too.result
    said = ("accuracy ", judged["accuracy"], ", AUC ", judged["auc"])
    must = (" must be at least ", least, " and above the majority class's ", judged["majority"])
    must_too = (" does not beat the version in service: accuracy ", rival["accuracy"], ", AUC ", rival["auc"])

    def version(step: str) -> Any:
        return register(step, name, train.model, metrics=judged)

    better = condition(
        "better-than-in-service",
        judged["accuracy"] > rival["accuracy"],
        judged["auc"] >= rival["auc"],
        then=[version("register-better")],
        otherwise=[fail("no-better", join(*said, *must_too))],
    )
    first = condition(
        "nothing-in-service",
        in_service.equals(NOTHING),
        then=[version("register-first")],
        otherwise=[judging_it_too, better],
    )
    gate = condition(
        "good-enough",
        judged["accuracy"] >= least,
        judged["accuracy"] > judged["majority"],
        then=[first],
        otherwise=[fail("not-good-enough", join(*said, *must))],
    )
    return Pipeline(name, [gate], bucket=bucket, description="Churn: who will leave, by how they use a telephone")


def served(sagemaker: Any, endpoint: str) -> str:
    """The artifact of what the endpoint serves now; "nothing", where there is no such endpoint."""
    try:
        config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except sagemaker.exceptions.ClientError as error:
        if "Could not find" not in str(error):
            raise
        return NOTHING
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    described = sagemaker.describe_model(ModelName=variant["ModelName"])
    (container,) = described.get("Containers") or [described["PrimaryContainer"]]
    if "ModelDataUrl" not in container:
        package = sagemaker.describe_model_package(ModelPackageName=container["ModelPackageName"])
        (container,) = package["InferenceSpecification"]["Containers"]
    artifact: str = container["ModelDataUrl"]
    return artifact


def main(file: str, bucket: str, role: str, name: str = "churn") -> None:
    import boto3

    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    s3.upload_file(file, bucket, "raw/churn.csv")
    print(build(name, bucket).upsert(sagemaker, role, s3=s3))
    print(f"clary pipeline run {name} -p InService={served(sagemaker, f'{name}-production')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
