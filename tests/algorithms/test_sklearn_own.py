"""model.joblib answers by itself where no program stands: transformers, predictors, labels."""

import io
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.serve import Refused
from clary.algorithms.sklearn import own

CSV = "text/csv"
TABLE = pd.DataFrame({"colour": ["red", "green", "red"], "size": [1.0, 2.0, 3.0]})


def served(folder: Path, model: Any, **environ: str) -> own.FittedModel:
    joblib.dump(model, folder / own.NAME)
    return own.FittedModel(own.load(folder), environ)


def encoder(**settings: Any) -> ColumnTransformer:
    parts = [("colours", OneHotEncoder(**settings), ["colour"]), ("sizes", "passthrough", ["size"])]
    return ColumnTransformer(parts).fit(TABLE)


def ask(model: own.FittedModel, body: str | bytes, kind: str | None = CSV, accept: str | None = None) -> str:
    return model.invoke(body if isinstance(body, bytes) else body.encode(), kind, accept).body.decode()


def test_a_transformer_answers_rows_of_numbers(tmp_path: Path) -> None:
    model = served(tmp_path, encoder())
    assert ask(model, "red,1.5\ngreen,2\n") == "0.0,1.0,1.5\n1.0,0.0,2.0\n"
    assert ask(model, "red,1.5", None) == "0.0,1.0,1.5\n"
    assert json.loads(ask(model, "red,1.5", CSV, "application/json")) == [[0.0, 1.0, 1.5]]
    assert ask(model, '[["red", 1.5], ["green", null]]', "application/json") == "0.0,1.0,1.5\n1.0,0.0,nan\n"
    assert ask(model, '{"instances": [{"features": ["red", 1.5]}]}', "application/json") == "0.0,1.0,1.5\n"
    assert ask(model, '{"size": 1.5, "colour": "red"}\n', "application/jsonlines") == "0.0,1.0,1.5\n"
    assert ask(model, '"red",1.5\r\n') == "0.0,1.0,1.5\n"


def test_zeros_of_a_sparse_table_are_zeros_to_the_next_container(tmp_path: Path) -> None:
    model = served(tmp_path, OneHotEncoder().fit(np.array([["a"], ["b"]], object)))
    assert ask(model, "b\na\n") == "0.0,1.0\n1.0,0.0\n"


def test_numpys_own_format(tmp_path: Path) -> None:
    model = served(tmp_path, StandardScaler().fit([[0.0, 0.0], [2.0, 4.0]]))
    body = io.BytesIO()
    np.save(body, np.array([[2.0, 0.0]]))
    answer = model.invoke(body.getvalue(), "application/x-npy", "application/x-npy")
    assert np.load(io.BytesIO(answer.body)).tolist() == [[1.0, -1.0]]


def test_a_classifier_answers_its_predictions(tmp_path: Path) -> None:
    model = Pipeline([("first", encoder()), ("last", LogisticRegression(C=1e6))]).fit(TABLE, ["no", "yes", "no"])
    assert ask(served(tmp_path, model), "red,1\ngreen,2\n") == "no\nyes\n"
    assert json.loads(ask(served(tmp_path, model), "red,1", CSV, "application/json")) == ["no"]


def test_labels_get_their_names_back(tmp_path: Path) -> None:
    model = served(tmp_path, LabelEncoder().fit(["unacc", "acc", "good"]))
    assert ask(model, "2.0\n0.0\n") == "unacc\nacc\n"
    assert ask(model, "[1, 0]", "application/json") == "good\nacc\n"
    for wrong in ("3", "0.5", "-1", "nan"):
        with pytest.raises(Refused, match="which are 0 to 2") as refused:
            ask(model, wrong)
        assert refused.value.status == 400


def test_categories_that_nobody_has_seen(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Row 2, column 1 \(colour\): 'pink' is not one of .*: green, red\.") as refused:
        ask(served(tmp_path, encoder()), "red,1\npink,2\n")
    assert refused.value.status == 422
    assert ask(served(tmp_path, encoder(handle_unknown="ignore")), "pink,2") == "0.0,0.0,2.0\n"


def test_a_word_for_what_is_missing_is_known_where_it_is_filled_in(tmp_path: Path) -> None:
    parts = [("gaps", SimpleImputer(missing_values="", strategy="constant", fill_value="b")), ("hot", OneHotEncoder())]
    model = served(tmp_path, Pipeline(parts).fit(np.array([["a"], ["b"], [""]], object)))
    assert ask(model, 'a\n""\n') == "1.0,0.0\n0.0,1.0\n"
    with pytest.raises(Refused, match="'c' is not one of"):
        ask(model, "c")


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("red", CSV, 400, "Row 1 has 1 columns, but the model takes 2"),
        ("red,1,2", CSV, 400, "Leave out the label"),
        ("red,much", CSV, 400, "Row 1, column 2: 'much' is not a finite number"),
        ("red,inf", CSV, 400, "not a finite number"),
        ("", CSV, 400, "empty"),
        ("{", "application/json", 400, "not JSON"),
        ("[[true, 1]]", "application/json", 400, "is no text"),
        ('{"colour": "red"}', "application/jsonlines", 400, "an object with colour, size"),
        ("red,1", "application/python-pickle", 415, "not supported"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, body: str, kind: str, status: int, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        ask(served(tmp_path, encoder()), body, kind)
    assert refused.value.status == status


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(AlgorithmError, match=r"neither a program .* nor model.joblib; it holds weights.bin"):
        own.load(tmp_path)
    (tmp_path / own.NAME).write_bytes(b"no pickle")
    with pytest.raises(AlgorithmError, match=r"model.joblib does not load"):
        own.load(tmp_path)
    joblib.dump({"a": 1}, tmp_path / own.NAME)
    with pytest.raises(AlgorithmError, match="holds a dict, which can neither predict nor transform"):
        own.load(tmp_path)
