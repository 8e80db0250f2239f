"""Requests and answers of the model server, in process: every format in and out, every mistake with its sentence."""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.recordio import batches, frames, wire
from clary.algorithms.serve import Refused
from clary.algorithms.xgboost import model, requests
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.serve import XGBoostModel

RECORDIO = "application/x-recordio-protobuf"


def records(features: Any, labels: Any = None) -> bytes:
    stream = io.BytesIO()
    batches.write(stream, features, labels)
    return stream.getvalue()


def told(body: bytes) -> list[dict[str, Any]]:
    """The labels of the records of an answer: one number, or a list."""
    found = []
    for block in frames.blocks(io.BytesIO(body)):
        for payload in [block] if isinstance(block, bytes) else [row.tobytes() for row in block]:
            label = {name: tensor.values.tolist() for name, tensor in wire.decode(payload).label.items()}
            found.append({name: one[0] if len(one) == 1 else one for name, one in label.items()})
    return found


FEATURES = np.random.default_rng(5).random((60, 3)).astype(np.float32)
BODY = "0.1,0.2,0.3\n0.9,0.8,0.7\n"


def booster(objective: str, **params: Any) -> Any:
    labels = (FEATURES[:, 0] + FEATURES[:, 1] > 1).astype(np.float32)
    if objective.startswith("multi:"):
        params["num_class"], labels = 3, np.floor(FEATURES[:, 0] * 3)
    data = xgb.DMatrix(FEATURES, label=labels)
    return xgb.train({"objective": objective, "nthread": 1, "tree_method": "exact"} | params, data, 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A model directory of each objective, by its name."""
    made = {}
    for objective in (
        "reg:squarederror",
        "binary:logistic",
        "binary:logitraw",
        "binary:hinge",
        "multi:softmax",
        "multi:softprob",
    ):
        made[objective] = tmp_path_factory.mktemp("model")
        (made[objective] / "xgboost-model").write_bytes(pickle.dumps(booster(objective)))
    return made


@pytest.fixture
def served(folders: Mapping[str, Path]) -> Any:
    def load(objective: str = "reg:squarederror", **environ: str) -> XGBoostModel:
        return XGBoostModel(model.load(folders[objective]), environ)

    return load


def ask(one: XGBoostModel, body: str | bytes = BODY, kind: str | None = "text/csv", accept: str | None = None) -> str:
    return one.invoke(body.encode() if isinstance(body, str) else body, kind, accept).body.decode()


def refusal(one: XGBoostModel, body: str | bytes, kind: str | None = "text/csv", accept: str | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(one, body, kind, accept)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", BODY),
        (None, BODY),
        ("text/csv; charset=utf-8", BODY.rstrip("\n")),
        ("TEXT/CSV;label_size=0", BODY.replace("\n", "\r\n")),
        ("text/csv", "\ufeff" + BODY.replace("\n", "\n\n")),
        ("text/csv", '"0.1", 0.2 ,"0.3"\n 0.9,0.8,\t0.7\n'),
        ("text/libsvm", "0:0.1 1:0.2 2:0.3\n0:0.9 1:0.8 2:0.7\n"),
        ("text/x-libsvm", "1 0:0.1 1:0.2 2:0.3\n0 0:0.9 1:0.8 2:0.7"),
        ("application/json", '{"instances":[{"features":[0.1,0.2,0.3]},{"features":[0.9,0.8,0.7]}]}'),
        ("application/json", '{"instances":[{"data":{"features":{"values":[0.1,0.2,0.3]}}},[0.9,0.8,0.7]]}'),
        ("application/json", "[[0.1,0.2,0.3],[0.9,0.8,0.7]]"),
        ("application/jsonlines", '{"features":[0.1,0.2,0.3]}\n\n[0.9,0.8,0.7]\n'),
        ("application/json", '{"instances":[{"features":{"keys":[2,0,1],"values":[0.3,0.1,0.2]}},[0.9,0.8,0.7]]}'),
        ("text/csv", BODY.replace(",", "\t")),
        ("text/csv", BODY.replace(",", ";")),
        ("text/csv", BODY.replace(",", " | ")),
        ("text/csv", BODY.replace(",", " ")),
        ("application/x-recordio-protobuf", records(np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]]))),
        ("application/x-recordio-protobuf", records(csr_matrix([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]]), [1, 0])),
    ],
)
def test_every_format_asks_the_same(served: Any, kind: str | None, body: str | bytes) -> None:
    one = served()
    wanted = one.predictor.predict(np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]], np.float32)).tolist()
    assert ask(one, body, kind) == "".join(f"{score}\n" for score in wanted)
    assert len(set(wanted)) == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", "0.1,,0.3"),
        ("text/csv", "0.1,nan,0.3"),
        ("text/csv", "0.1,NA,0.3\n"),
        ("text/libsvm", "0:0.1 2:0.3"),
        ("application/json", "[0.1,null,0.3]"),
        ("application/json", '{"instances":[{"data":{"features":{"keys":[0,2],"values":[0.1,0.3],"shape":[3]}}}]}'),
        ("text/csv", "0.1;;0.3\n"),
        ("application/x-recordio-protobuf", records(csr_matrix([[0.1, 0, 0.3]]))),
    ],
)
def test_an_empty_cell_is_a_missing_value(served: Any, kind: str, body: str | bytes) -> None:
    one = served()
    wanted = one.predictor.predict(np.array([[0.1, np.nan, 0.3]], np.float32)).tolist()
    assert ask(one, body, kind) == f"{wanted[0]}\n"


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("text/csv", "1,2", "Row 1 has 2 columns, but the model takes 3."),
        ("text/csv", "1,1,2,3\n", "Row 1 has 4 columns, but the model takes 3. Leave out the label."),
        ("text/csv", "1,2,3\n1,2\n", "Row 2 has 2 columns, but the model takes 3."),
        ("text/csv", "1,2,3\n\n1,red,3\n", "Row 2, column 2: 'red' is not a number."),
        ("text/csv", "a,b,c\n1,2,3\n", "Row 1, column 1: 'a' is not a number."),
        ("text/csv", "1,2,inf", "Row 1, column 3 is infinite or too large."),
        ("text/csv", b"1,\xff,3", "not UTF-8"),
        ("text/csv", "", "The request body is empty"),
        ("text/csv", " \n", "The request body is empty"),
        ("text/csv", '""\n', "holds no rows"),
        ("text/libsvm", "0:1 3:2", "The largest libsvm index is 3, but the model takes 3 columns, from 0."),
        ("text/libsvm", "#0:1\n# x", "holds no rows"),
        ("text/libsvm", "1,2,3", "row 1: '1,2,3' is not a number"),
        ("application/json", "{", "The request body is not JSON"),
        ("application/json", "{}", 'must hold a list "instances"'),
        ("application/json", "[]", "at least one row"),
        ("application/json", '{"instances":[]}', "at least one row"),
        ("application/json", "7", "at least one row"),
        ("application/json", '[["1",2,3]]', 'Row 1, column 1: "1" is not a number.'),
        ("application/json", "[[true,2,3]]", "Row 1, column 1: true is not a number."),
        ("application/json", '[{"x":1}]', 'neither a list of numbers nor an object with "features"'),
        ("application/json", "[[1e999,2,3]]", "infinite or too large"),
        ("application/json", f"[[{'9' * 400},2,3]]", "too large"),
        ("application/jsonlines", "[1,2,3]\nx", "Line 2 is not JSON"),
        ("application/json", '[{"keys":[0],"values":[1,2]}]', 'Row 1 must have as many "keys" as "values"'),
        ("application/json", '[{"keys":[3],"values":[1]}]', "Row 1: key 3 is not one of the model's 3 columns"),
        ("application/json", '[{"keys":["a"],"values":[1]}]', 'key "a" is not one of'),
        ("application/x-recordio-protobuf", b"rubbish", "The request body is not recordio-protobuf"),
        (
            "application/x-recordio-protobuf",
            records(np.array([[1.0, 2.0]])),
            "Row 1 has 2 columns, but the model takes 3",
        ),
        ("application/x-recordio-protobuf", records(csr_matrix([[0, 0, 0, 1.0]])), "The largest key is 3"),
        ("application/x-recordio-protobuf", records(np.array([[1, 2, np.inf]])), "column 3 is infinite"),
        ("application/x-recordio-protobuf", records(csr_matrix([[1, 2, np.inf]])), "is infinite"),
    ],
)
def test_a_bad_row_is_a_400_that_names_it(served: Any, kind: str, body: str | bytes, sentence: str) -> None:
    refused = refusal(served(), body, kind)
    assert refused.status == 400
    assert sentence in str(refused)


@pytest.mark.parametrize("kind", ["image/png", "text/html"])
def test_other_content_types_are_a_415(served: Any, kind: str) -> None:
    refused = refusal(served(), BODY, kind)
    assert refused.status == 415
    assert kind in str(refused) and "text/csv" in str(refused)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("application/json;verbose=True", "application/json"),
        ("application/*", "application/json"),
        ("image/png, application/jsonlines;q=0.2, text/csv;q=0.9", "text/csv"),
        ("csv", "text/csv"),
        ("application/x-recordio-protobuf", "application/x-recordio-protobuf"),
    ],
)
def test_the_answer_is_of_the_accepted_type(served: Any, accept: str | None, kind: str) -> None:
    assert served().invoke(BODY.encode(), "text/csv", accept).content_type.startswith(kind)


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/x-parquet"])
def test_what_cannot_be_answered_is_a_406(served: Any, accept: str) -> None:
    assert refusal(served(), BODY, accept=accept).status == 406


def test_the_default_answer_can_be_set(served: Any) -> None:
    assert ask(served(SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json")).startswith('{"predictions"')


def test_answers_in_every_form(served: Any) -> None:
    scores = (
        served("multi:softprob").predictor.predict(np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]], np.float32)).tolist()
    )
    one = served("multi:softprob")
    assert ask(one) == "".join(",".join(map(str, row)) + "\n" for row in scores)
    assert json.loads(ask(one, accept="application/json")) == {"predictions": [{"score": row} for row in scores]}
    lines = ask(one, accept="application/jsonlines").splitlines()
    assert [json.loads(line) for line in lines] == [{"score": row} for row in scores]
    assert told(one.invoke(BODY.encode(), "text/csv", RECORDIO).body) == [{"score": row} for row in scores]


def test_softmax_answers_class_numbers(served: Any) -> None:
    assert ask(served("multi:softmax")) == "0.0\n2.0\n"


@pytest.mark.parametrize(
    "tag", ["xgboost:1", "xgboost:latest", "sagemaker-xgboost:0.90-2-cpu-py3", "sagemaker-xgboost:1.0-1-cpu-py3"]
)
def test_old_images_answer_on_one_line(served: Any, tag: str) -> None:
    image = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{tag}"
    assert ask(served("multi:softmax", CLARY_IMAGE=image)) == "0.0,2.0"
    assert ask(served("multi:softmax", CLARY_IMAGE=image, SAGEMAKER_BATCH="true")) == "0.0\n2.0\n"
    probabilities = ask(served("multi:softprob", CLARY_IMAGE=image), "0.1,0.2,0.3")
    assert probabilities.startswith("[") and probabilities.endswith("]")


@pytest.mark.parametrize(
    "image", ["", "x/sagemaker-xgboost:1.2-2", "x/sagemaker-xgboost:1.7-1", "x/sagemaker-xgboost:3.0-5"]
)
def test_new_images_answer_a_row_a_line(served: Any, image: str) -> None:
    assert ask(served("multi:softmax", CLARY_IMAGE=image)) == "0.0\n2.0\n"


def test_chosen_content(served: Any) -> None:
    keys = "predicted_label,probability,probabilities,labels"
    row = "0.9,0.8,0.7"
    for objective, classes in (("binary:logistic", 2), ("multi:softprob", 3), ("multi:softmax", 3)):
        kind = float if objective == "multi:softmax" else int
        (answer,) = json.loads(ask(served(objective, SAGEMAKER_INFERENCE_OUTPUT=keys), row, accept="application/json"))[
            "predictions"
        ]
        assert list(answer) == keys.split(",")
        assert answer["labels"] == list(range(classes))
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert answer["predicted_label"] == int(np.argmax(answer["probabilities"])) == classes - 1
        assert type(answer["predicted_label"]) is kind
        assert answer["probability"] == answer["probabilities"][-1]
    text = ask(served("binary:logistic", SAGEMAKER_INFERENCE_OUTPUT="predicted_label, probabilities"), row)
    assert text.startswith('1,"[')
    assert ask(served("binary:logitraw", SAGEMAKER_INFERENCE_OUTPUT="predicted_label"), row) == "1\n"
    assert float(ask(served(SAGEMAKER_INFERENCE_OUTPUT="predicted_score"), row)) > 0.5


def test_softmax_and_softprob_agree_on_chosen_content(served: Any) -> None:
    both = [
        ask(served(one, SAGEMAKER_INFERENCE_OUTPUT="probabilities"), accept="application/json")
        for one in ("multi:softmax", "multi:softprob")
    ]
    first, second = ([one["probabilities"] for one in json.loads(text)["predictions"]] for text in both)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_content_that_the_objective_cannot_give_is_nan(served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    one = served("reg:squarederror", SAGEMAKER_INFERENCE_OUTPUT="probability,predicted_score")
    assert "cannot give probability, which will be nan; it can give predicted_score" in capsys.readouterr().out
    assert ask(one, "0.9,0.8,0.7").startswith("nan,0.")
    hinge = served("binary:hinge", SAGEMAKER_INFERENCE_OUTPUT="probability,predicted_label,raw_score,raw_scores,labels")
    assert ask(hinge, "0.9,0.8,0.7") == 'nan,1.0,1.0,"[0.0, 1.0]","[0, 1]"\n'
    (answer,) = json.loads(ask(hinge, "0.9,0.8,0.7", accept="application/json"))["predictions"]
    assert np.isnan(answer["probability"]) and answer["raw_scores"] == [0, 1]
    with pytest.raises(ValueError, match="'chance' is not one of predicted_label"):
        served(SAGEMAKER_INFERENCE_OUTPUT="chance")


def test_chosen_content_as_records(served: Any) -> None:
    one = served("binary:logistic", SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probabilities")
    (answer,) = told(one.invoke(b"0.9,0.8,0.7", "text/csv", RECORDIO).body)
    assert answer["predicted_label"] == 1 and sum(answer["probabilities"]) == pytest.approx(1)


@pytest.mark.parametrize("name", ["xgboost-model", "model.json", "model.ubj", "anything"])
def test_models_that_xgboost_itself_saved_are_loaded(tmp_path: Path, name: str) -> None:
    made = booster("reg:squarederror")
    form = "json" if name.endswith("json") else "ubj"
    (tmp_path / name).write_bytes(made.save_raw(form))
    np.testing.assert_array_equal(model.load(tmp_path).predict(FEATURES), made.predict(xgb.DMatrix(FEATURES)))


@pytest.mark.parametrize("params", [{"booster": "gblinear"}, {"booster": "dart", "rate_drop": 0.5}])
def test_other_boosters_are_served(tmp_path: Path, params: dict[str, Any]) -> None:
    data = xgb.DMatrix(FEATURES, label=FEATURES[:, 0] > 0.5)
    made = xgb.train({"objective": "binary:logistic", "nthread": 1} | params, data, 3)
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(made))
    np.testing.assert_allclose(model.load(tmp_path).predict(FEATURES), made.predict(xgb.DMatrix(FEATURES)), rtol=1e-6)


def test_rounds_after_the_best_one_do_not_count(tmp_path: Path) -> None:
    made = booster("reg:squarederror")
    made.set_attr(best_iteration="0")
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(made))
    np.testing.assert_allclose(
        model.load(tmp_path).predict(FEATURES), made[:1].predict(xgb.DMatrix(FEATURES)), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "it holds nothing"),
        ({"a": b"", "b": b""}, "it holds a, b"),
        ({"xgboost-model": b"rubbish"}, "xgboost-model is neither a pickled Booster"),
        ({"xgboost-model": pickle.dumps([1])}, "holds a pickled list, not an xgboost.Booster"),
        ({"xgboost-model": b""}, "neither a pickled Booster"),
        ({"model.json": b"{}"}, "model.json is no model"),
        ({"model.ubj": b"{L\x00\x00"}, "or it is cut off"),
    ],
)
def test_what_is_no_model_says_what_it_is(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AlgorithmError, match=reason):
        model.load(tmp_path)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(requests.DECODERS)),
    body=st.one_of(st.binary(max_size=80), st.text(max_size=60).map(str.encode)),
)
def test_no_body_fails_otherwise_than_as_refused(kind: str, body: bytes) -> None:
    try:
        table = requests.decode(body, kind, 3)
    except Refused as refused:
        assert refused.status == 400 and str(refused).endswith((".", "]}."))
    else:
        assert table.shape[1] == 3 and table.shape[0] > 0


CELLS = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(CELLS, min_size=3, max_size=3),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_numbers_survive_every_format(rows: list[list[float | None]]) -> None:
    expected = np.array([[np.nan if one is None else one for one in row] for row in rows], np.float32)
    csv = "\n".join(",".join("" if one is None else repr(one) for one in row) for row in rows)
    np.testing.assert_array_equal(requests.decode(csv.encode(), "text/csv", 3), expected)
    np.testing.assert_array_equal(requests.decode(json.dumps(rows).encode(), "application/json", 3), expected)
    libsvm = "\n".join(
        " ".join(["0", *(f"{n}:{one!r}" for n, one in enumerate(row) if one is not None)]) for row in rows
    )
    sparse = requests.decode(libsvm.encode(), "text/libsvm", 3).toarray()
    np.testing.assert_array_equal(sparse, np.nan_to_num(expected))
