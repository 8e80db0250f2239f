"""A model server with many models: loaded, asked, unloaded, and bounded in memory."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clary.algorithms.xgboost.engine import xgb
from tests.algorithms.conftest import OptMl, Served

CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}


def booster(ml: OptMl, name: str, factor: float) -> str:
    """The directory of a model that knows the first column times the factor."""
    features = np.random.default_rng(1).random((50, 2)).astype(np.float32)
    made = xgb.train({"nthread": 1, "tree_method": "exact"}, xgb.DMatrix(features, label=features[:, 0] * factor), 5)
    place: Path = ml.root / "models" / name / "model"
    place.mkdir(parents=True)
    (place / "xgboost-model").write_bytes(pickle.dumps(made))
    return str(place)


def asks(served: Served) -> Callable[..., tuple[int, Any]]:
    connection = served.connection()

    def ask(method: str, path: str, said: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        body = json.dumps(said) if isinstance(said, dict) else said
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text

    return ask


def test_models_come_answer_and_go(ml: OptMl, serve: Callable[..., Served]) -> None:
    ask = asks(serve(ml, SAGEMAKER_MULTI_MODEL="true"))
    assert ask("GET", "/ping")[0] == 200
    assert ask("GET", "/models") == (200, {"models": []})
    for name, factor in (("a", 1.0), ("b", 100.0)):
        assert ask("POST", "/models", {"model_name": name, "url": booster(ml, name, factor)})[0] == 200
    assert ask("POST", "/models", {"model_name": "a", "url": str(ml.root / "models/a/model")})[0] == 409
    small, large = (float(ask("POST", f"/models/{name}/invoke", "0.5,0.5", CSV)[1]) for name in "ab")
    assert small < 1.0 < large
    assert ask("GET", "/models/a")[1]["modelUrl"].endswith("models/a/model")
    assert ask("POST", "/invocations", "0.5,0.5", CSV)[0] == 400
    assert ask("DELETE", "/models/a")[0] == 200
    assert ask("POST", "/models/a/invoke", "0.5,0.5", CSV) == (404, "The model a is not loaded")
    assert [one["modelName"] for one in ask("GET", "/models")[1]["models"]] == ["b"]
    (ml.root / "models/c/model").mkdir(parents=True)
    status, why = ask("POST", "/models", {"model_name": "c", "url": str(ml.root / "models/c/model")})
    assert status == 500 and "Unable to load the model" in why
    assert ask("POST", "/models", {"model_name": "d", "url": "/nowhere"})[0] == 400
    assert ask("POST", "/models", "no json")[0] == 400


def test_one_that_does_not_fit_beside_another_is_refused(ml: OptMl, serve: Callable[..., Served]) -> None:
    ask = asks(serve(ml, SAGEMAKER_MULTI_MODEL="true", CLARY_MULTI_MODEL_MEMORY_BYTES="1000000"))
    assert ask("POST", "/models", {"model_name": "a", "url": booster(ml, "a", 1.0)})[0] == 200
    status, why = ask("POST", "/models", {"model_name": "b", "url": booster(ml, "b", 1.0)})
    assert status == 507 and "There is no memory" in why
    assert ask("DELETE", "/models/a")[0] == 200
    assert ask("POST", "/models", {"model_name": "b", "url": str(ml.root / "models/b/model")})[0] == 200


@pytest.mark.slow
def test_programs_share_a_container_and_each_has_a_process(ml: OptMl, serve: Callable[..., Served]) -> None:
    (ml.root / "code").mkdir()
    (ml.root / "code/inference.py").write_text(
        "import os\n"
        "def model_fn(model_dir):\n    return open(os.path.join(model_dir, 'word')).read()\n"
        "def input_fn(body, kind):\n    return body\n"
        "def predict_fn(body, model):\n    return body + model + str(os.getpid())\n"
        "def output_fn(said, accept):\n    return said\n"
    )
    environ = {"SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_PROGRAM": "inference.py"}
    ask = asks(serve(ml, module="clary.algorithms.sklearn", **environ))
    for name in ("one", "two"):
        (ml.root / "models" / name / "model").mkdir(parents=True)
        (ml.root / "models" / name / "model/word").write_text(name)
        said = {"model_name": name, "url": str(ml.root / f"models/{name}/model")}
        assert ask("POST", "/models", said) == (200, {"status": f"Model {name} loaded"})
    one, two = (ask("POST", f"/models/{name}/invoke", "x", CSV)[1] for name in ("one", "two"))
    assert one.startswith("xone") and two.startswith("xtwo")
    assert one[4:] != two[4:], "each model has a process of its own"
    assert ask("DELETE", "/models/one")[0] == 200
