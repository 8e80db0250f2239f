"""Cross-validation inside the algorithm: its parts, its log, its models, and what they answer together."""

import json
import re

import numpy as np
import pytest

from clary.algorithms.contract import AlgorithmError, ClientError
from clary.algorithms.xgboost import folds, model
from clary.algorithms.xgboost.hyperparameters import read
from clary.algorithms.xgboost.serve import XGBoostModel
from clary.algorithms.xgboost.table import Rows
from tests.algorithms.conftest import OptMl
from tests.algorithms.test_train import prepared


def parts(rows: Rows, turn: int = 0, **given: str) -> list[list[int]]:
    wanted = read({"num_round": "1", "_kfold": "3"} | given)
    return [part.tolist() for part in folds.parts(rows, wanted, turn)]


def table(labels: list[float], groups: list[int] | None = None) -> Rows:
    features = np.zeros((len(labels), 1), np.float32)
    return Rows(features, np.array(labels, np.float32), groups=None if groups is None else np.array(groups))


def test_every_row_is_in_one_part_and_the_parts_are_of_one_size() -> None:
    made = parts(table([0.5] * 10))
    assert sorted(row for part in made for row in part) == list(range(10)) and sorted(map(len, made)) == [3, 3, 4]
    assert parts(table([0.5] * 10)) == made != parts(table([0.5] * 10), seed="7")
    assert parts(table([0.5] * 10), turn=1) != made


def test_classes_are_spread_evenly_and_queries_stay_whole() -> None:
    labels = [0.0] * 9 + [1.0] * 3
    made = parts(table(labels), objective="binary:logistic")
    assert [sum(labels[row] for row in part) for part in made] == [1, 1, 1]
    queries = [0, 0, 1, 1, 1, 2, 3, 3, 4, 5]
    made = parts(table([0.0] * 10, queries), objective="rank:ndcg")
    assert sorted(row for part in made for row in part) == list(range(10))
    of = [{queries[row] for row in part} for part in made]
    assert sum(map(len, of)) == 6


def test_a_job_with_folds(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(ml, _kfold="3", _num_cv_round="2", eval_metric="error")
    with pytest.raises(FileNotFoundError):
        ml.train()
    log = capsys.readouterr().out
    assert "Run 2-round of 3-fold cross validation with 400 rows" in log
    assert re.findall(r"Train cross validation fold (\d)", log) == ["1", "2", "3", "1", "2", "3"]
    assert "The metrics of round 1 cross validation" in log and "The metrics of round 2 cross validation" in log
    overall = log.partition("The overall metrics of 2-round cross validation\n")[2].splitlines()[0]
    last = [float(one) for one in re.findall(r"^\[4\]#011.*#011validation-error:(\S+)", log, re.M)]
    said = re.fullmatch(r"\[5\]#011train-error:(\S+)#011validation-error:(\S+)", overall)
    assert said and float(said[2]) == pytest.approx(np.mean(last), abs=1e-5)
    assert sorted(one.name for one in (ml.root / "model").iterdir()) == [f"xgboost-model-{n}" for n in range(6)]
    predictions = np.loadtxt(ml.root / "output" / "data" / "predictions.csv", delimiter=",")
    assert predictions.shape == (400, 3)
    assert np.mean(predictions[:, 0] == predictions[:, 2]) > 0.8
    assert set(np.unique(predictions[:, 2])) == {0, 1}


def served(ml: OptMl, **environ: str) -> XGBoostModel:
    return XGBoostModel(model.load(ml.root / "model"), environ)


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softmax", "multi:softprob", "reg:squarederror"])
def test_the_models_of_all_folds_answer_together(ml: OptMl, objective: str) -> None:
    given = {"num_class": "2"} if objective.startswith("multi:") else {}
    prepared(ml, _kfold="3", objective=objective, **given)
    with pytest.raises(FileNotFoundError):
        ml.train()
    one = served(ml)
    row = np.array([[0.9, 0.4, 0.5]], np.float32)
    members = np.array([member.predict(row) for member in one.predictor.members])
    answer = one.invoke(b"0.9,0.4,0.5", "text/csv", "application/json")
    score = json.loads(answer.body)["predictions"][0]["score"]
    if objective == "multi:softmax":
        assert score == np.bincount(members.astype(int).ravel()).argmax()
    else:
        np.testing.assert_allclose(score, members.mean(axis=0)[0], rtol=1e-6)
    assert len(np.unique(members, axis=0)) > 1 or objective == "multi:softmax"
    with pytest.raises(AlgorithmError, match="not one Booster"):
        _ = one.predictor.booster


def test_models_that_do_not_belong_together_are_refused(ml: OptMl) -> None:
    prepared(ml).train()
    folder = ml.root / "model"
    (folder / "xgboost-model").rename(folder / "xgboost-model-0")
    prepared(ml, objective="reg:squarederror").train()
    (folder / "xgboost-model").rename(folder / "xgboost-model-1")
    with pytest.raises(AlgorithmError, match="differ in their objective"):
        model.load(folder)


def test_folds_need_rows_and_no_earlier_model(ml: OptMl) -> None:
    with pytest.raises(ClientError, match="1000 folds need as many rows; there are 400"):
        prepared(ml, _kfold="1000").train()
    (ml.root / "input" / "data" / "model").mkdir()
    with pytest.raises(ClientError, match="leave out channel model"):
        prepared(ml, _kfold="2").train()


def test_folds_begin_again_from_their_own_checkpoints(ml: OptMl, capsys: pytest.CaptureFixture[str]) -> None:
    (ml.root / "checkpoints").mkdir()
    prepared(ml, _kfold="2")
    with pytest.raises(FileNotFoundError):
        ml.train()
    assert sorted(one.name for one in (ml.root / "checkpoints").iterdir()) == ["model-0", "model-1"]
    first = folds_of(ml), capsys.readouterr().out.partition("cross validation\n[5]#011")[2].splitlines()[0]
    with pytest.raises(FileNotFoundError):
        ml.train()
    assert (folds_of(ml), capsys.readouterr().out.partition("cross validation\n[5]#011")[2].splitlines()[0]) == first


def folds_of(ml: OptMl) -> list[bytes]:
    return [bytes(one.booster.save_raw("json")) for one in served(ml).predictor.members]
