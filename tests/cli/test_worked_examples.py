"""The functions of the worked examples on the published data and on the made-up one, in this process."""

import pickle
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy
import pytest
import xgboost

from clary.cli.demo import abalone_native, churn_data, churn_native
from tests.clients.sdk.sets import ABSENT, FILES
from tests.examples_house import EXAMPLES, made_up

PARTS = ("train", "validation", "test")
SEEDS = (1, 2, 3)
NATIVE: dict[str, Any] = {"abalone": abalone_native, "churn": churn_native}


def evaluated(name: str, text: str, place: Path) -> Any:
    """What the example's `evaluate` says of the model that its hyperparameters make of its prepared rows."""
    native = NATIVE[name]
    data = place / f"{name}.csv"
    data.write_text(text)
    folders = {part: place / part for part in PARTS}
    for folder in folders.values():
        folder.mkdir()
    counts = native.prepare.function(data=data, seed=42, **folders)
    assert sum(counts.values()) == text.count("\n") - (name == "churn")
    rows = numpy.loadtxt(folders["train"] / "rows.csv", delimiter=",")
    document = native.build(name, "lake").document("arn:aws:iam::123456789012:role/x")
    given = next(one for one in document["Steps"] if one["Name"] == "train")["Arguments"]["HyperParameters"]
    plain = {key: value for key, value in given.items() if isinstance(value, str) and key != "num_round"}
    rounds, asked = (50, {}) if name == "abalone" else (100, {"max_depth": 5, "min_child_weight": 6})
    plain.pop("eval_metric", None)
    trees = xgboost.train({**plain, **asked, "nthread": 1}, xgboost.DMatrix(rows[:, 1:], rows[:, 0]), rounds)
    body = pickle.dumps(trees)
    with tarfile.open(place / "model.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("xgboost-model")
        member.size = len(body)
        archive.addfile(member, BytesIO(body))
    return native.evaluate.function(model=place / "model.tar.gz", test=folders["test"])


def sources(name: str) -> list[Any]:
    absent = pytest.mark.skipif(name in ABSENT, reason="the published file is not beside the repository")
    return [pytest.param("published", marks=absent), *(f"made up {seed}" for seed in SEEDS)]


def rows_of(name: str, source: str) -> str:
    return FILES[name].read_text() if source == "published" else made_up(name, int(source[-1]))


@pytest.mark.parametrize("source", sources("abalone"))
def test_abalone_is_judged_below_the_gate(source: str, tmp_path: Path) -> None:
    said = evaluated("abalone", rows_of("abalone", source), tmp_path)["regression_metrics"]
    assert said["mse"]["value"] <= 6.0 < 8.0 <= said["mse_of_the_mean"]["value"]


@pytest.mark.parametrize("source", sources("churn"))
def test_churn_is_judged_above_the_bar(source: str, tmp_path: Path) -> None:
    said = evaluated("churn", rows_of("churn", source), tmp_path)
    assert said["accuracy"] >= (0.91 if source == "published" else 0.88)
    assert said["auc"] >= 0.965
    assert 0.5 <= said["majority"] < 0.56


@pytest.mark.parametrize("name", ["abalone", "churn"])
def test_made_up_rows_are_the_same_for_a_seed_and_have_the_published_columns(name: str) -> None:
    assert made_up(name) == made_up(name) != made_up(name, 2)
    lines = made_up(name).splitlines()
    columns = churn_data.HEADING.count(",") if name == "churn" else 8
    assert {line.count(",") for line in lines} == {columns}
    if name not in ABSENT:
        published = FILES[name].read_text().splitlines()
        assert len(published) == len(lines)
        assert published[0].count(",") == columns
        if name == "churn":
            assert published[0] == lines[0]


@pytest.mark.parametrize("name", ["abalone", "churn"])
@pytest.mark.parametrize("part", ["data", "native"])
def test_the_command_plays_what_stands_among_the_examples(name: str, part: str) -> None:
    packaged = EXAMPLES.parent / f"src/clary/cli/demo/{name}_{part}.py"
    assert packaged.resolve() == (EXAMPLES / name / f"{part}.py").resolve()


def test_every_value_of_both_pipelines_is_declared() -> None:
    document = churn_native.build("churn", "lake").document("arn:aws:iam::123456789012:role/x")
    names = {one["Name"]: one.get("DefaultValue") for one in document["Parameters"]}
    assert names.keys() == {"Data", "InService", "LeastAccuracy", "Rounds", "Depth", "LeastWeight"}
    assert names["InService"] == churn_native.NOTHING
    assert names["LeastAccuracy"] == 0.8
