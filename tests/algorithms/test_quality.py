"""On real data the built-in XGBoost learns what published examples learn: the whole way from CSV to served answers."""

import csv
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.contract import Contract, Stop
from clary.algorithms.xgboost import model, train
from clary.algorithms.xgboost.serve import XGBoostModel
from tests.algorithms.conftest import OptMl

Row = Sequence[float]


def lines(rows: Sequence[Row]) -> str:
    return "".join(",".join(f"{one:g}" for one in row) + "\n" for row in rows)


def answers(ml: OptMl, rows: Sequence[Row]) -> list[float]:
    """What the model server says of the rows, whose labels are cut off."""
    served = XGBoostModel(model.load(ml.root / "model"), {})
    reply = served.invoke(lines([row[1:] for row in rows]).encode(), "text/csv", "text/csv")
    return [float(line) for line in reply.body.decode().splitlines()]


def learn(
    ml: OptMl, learned: Sequence[Row], test: Sequence[Row], **hyperparameters: str
) -> tuple[list[float], list[float]]:
    """The labels of the test rows, and what a model trained on the others says of them."""
    ml.job({"nthread": "1"} | hyperparameters, train="text/csv", validation="text/csv")
    ml.put("train/train.csv", lines(learned)).put("validation/validation.csv", lines(test))
    ml.train()
    return [row[0] for row in test], answers(ml, test)


def accuracy(labels: Sequence[float], said: Sequence[float]) -> float:
    return float(np.mean(np.array(labels) == np.array(said)))


def split(rows: list[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    mixed = rows[:]
    random.Random(seed).shuffle(mixed)
    held = round(len(mixed) * share)
    return mixed[held:], mixed[:held]


CAR = (
    ("vhigh", "high", "med", "low"), ("vhigh", "high", "med", "low"), ("2", "3", "4", "5more"), ("2", "4", "more"),
    ("small", "med", "big"), ("low", "med", "high"),
)  # fmt: skip
CLASSES = ("unacc", "acc", "good", "vgood")


def cars(path: Path, *, one_hot: bool) -> list[Row]:
    rows: list[Row] = []
    for *values, name in csv.reader(path.read_text().split()):
        places = [names.index(value) for names, value in zip(CAR, values, strict=True)]
        if one_hot:
            features = [float(place == n) for place, names in zip(places, CAR, strict=True) for n in range(len(names))]
        else:
            features = [float(place) for place in places]
        rows.append([CLASSES.index(name), *features])
    return rows


def test_car_evaluation_as_the_workshop_trains_it(ml: OptMl, data: Callable[[str], Path]) -> None:
    learned, test = split(cars(data("car/car.data"), one_hot=True), 0.2, 42)
    said = learn(ml, learned, test, objective="multi:softmax", num_class="4", num_round="10")
    assert accuracy(*said) >= 0.93


def test_car_evaluation_tuned(ml: OptMl, data: Callable[[str], Path]) -> None:
    learned, test = split(cars(data("car/car.data"), one_hot=False), 0.2, 42)
    tuned = {"max_depth": "5", "eta": "0.1", "min_child_weight": "0", "lambda": "0.1", "subsample": "0.9"}
    said = learn(ml, learned, test, objective="multi:softmax", num_class="4", num_round="400", **tuned)
    assert accuracy(*said) >= 0.97


def test_iris_gives_the_numbers_of_the_workshop(
    ml: OptMl, data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.model_selection import train_test_split

    names = ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    table = [line.split(",") for line in data("iris/iris.data").read_text().split()]
    rows = np.array([[names.index(one[4]), *map(float, one[:4])] for one in table])
    learned, test = train_test_split(rows, test_size=0.33, random_state=42, stratify=rows[:, 0])
    said = learn(
        ml, learned.tolist(), test.tolist(), objective="multi:softmax", num_class="3", num_round="30",
        gamma="4", alpha="10", min_child_weight="6", silent="0", eval_metric="merror",
    )  # fmt: skip
    assert "[29]#011train-merror:0.03000#011validation-merror:0.10000" in capsys.readouterr().out
    assert accuracy(*said) == pytest.approx(0.90)


def test_car_evaluation_of_the_whole_set_by_the_algorithms_own_folds(ml: OptMl, data: Callable[[str], Path]) -> None:
    tuned = {"max_depth": "5", "eta": "0.3", "min_child_weight": "0", "lambda": "0.1", "subsample": "0.9"}
    given = {"objective": "multi:softmax", "num_class": "4", "num_round": "120", "_kfold": "5", "seed": "42"}
    ml.job({"nthread": "1"} | given | tuned, train="text/csv")
    ml.put("train/train.csv", lines(cars(data("car/car.data"), one_hot=False)))
    train.train(Contract(ml.root), Stop(), {"OMP_NUM_THREADS": "1"})
    said = np.loadtxt(ml.root / "output" / "data" / "predictions.csv", delimiter=",")
    assert len(said) == 1728
    assert accuracy(said[:, 0], said[:, 2]) >= 0.99


def test_digits(ml: OptMl) -> None:
    """The images that come with scikit-learn: no file is needed."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    rows: list[Row] = np.column_stack([labels, pixels]).tolist()
    learned, test = split(rows, 0.2, 42)
    said = learn(
        ml, learned, test, objective="multi:softmax", num_class="10", num_round="40", max_depth="4", eta="0.4",
        tree_method="hist", subsample="0.8", colsample_bytree="0.5",
    )  # fmt: skip
    assert accuracy(*said) >= 0.96


def abalones(path: Path) -> list[Row]:
    table = [line.split(",") for line in path.read_text().split()]
    return [[float(one[8]), *(float(one[0] == sex) for sex in "MFI"), *map(float, one[1:8])] for one in table]


def test_abalone(ml: OptMl, data: Callable[[str], Path]) -> None:
    learned, test = split(abalones(data("abalone/abalone.data")), 0.15, 42)
    labels, said = learn(
        ml, learned, test, objective="reg:linear", num_round="50", max_depth="5", eta="0.2", gamma="4",
        min_child_weight="6", subsample="0.7", silent="0",
    )  # fmt: skip
    assert float(np.mean((np.array(labels) - np.array(said)) ** 2)) <= 6.0


def test_abalone_of_the_whole_set_by_the_algorithms_own_folds(ml: OptMl, data: Callable[[str], Path]) -> None:
    given = {"num_round": "75", "max_depth": "5", "eta": "0.1", "min_child_weight": "20", "_kfold": "5"}
    ml.job({"nthread": "1", "seed": "42"} | given, train="text/csv")
    ml.put("train/train.csv", lines(abalones(data("abalone/abalone.data"))))
    train.train(Contract(ml.root), Stop(), {"OMP_NUM_THREADS": "1"})
    said = np.loadtxt(ml.root / "output" / "data" / "predictions.csv", delimiter=",")
    assert float(np.mean((said[:, 0] - said[:, 1]) ** 2)) <= 5.0


def churners(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    kinds = {name: sorted({one[name] for one in table}) for name in ("State", "Area Code", "Int'l Plan", "VMail Plan")}
    numbers = [name for name in table[0] if name not in kinds and name not in ("Phone", "Churn?")]
    return [
        [
            float(one["Churn?"] == "True."),
            *(float(one[name]) for name in numbers),
            *(float(one[name] == value) for name, values in kinds.items() for value in values),
        ]
        for one in table
    ]


def test_churn(ml: OptMl, data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    learned, test = split(churners(data("churn/churn.csv")), 0.1, 1729)
    labels, said = learn(
        ml, learned, test, objective="binary:logistic", num_round="100", max_depth="5", eta="0.2", gamma="4",
        min_child_weight="6", subsample="0.8", eval_metric="error,auc",
    )  # fmt: skip
    assert accuracy(labels, [round(one) for one in said]) >= 0.91
    last = re.findall(r"validation-auc:(\S+)", capsys.readouterr().out)[-1]
    assert float(last) >= 0.965


def test_churn_stops_early_and_is_no_worse(
    ml: OptMl, data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    learned, test = split(churners(data("churn/churn.csv")), 0.1, 1729)
    labels, said = learn(
        ml, learned, test, objective="binary:logistic", num_round="1000", max_depth="5", eta="0.3", subsample="0.8",
        tree_method="hist",
        eval_metric="error,auc", early_stopping_rounds="15", _tuning_objective_metric="validation:auc",
    )  # fmt: skip
    scores = [float(one) for one in re.findall(r"validation-auc:(\S+)", capsys.readouterr().out)]
    assert len(scores) < 1000 and max(scores) >= 0.97
    assert ml.booster().num_boosted_rounds() == scores.index(max(scores)) + 1
    assert accuracy(labels, [round(one) for one in said]) >= 0.92
