"""Script mode of serving: the user's functions, the frameworks' defaults, workers and what becomes of them."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clary.algorithms.contract import AlgorithmError, ClientError, Contract
from clary.algorithms.serve import Answer, Refused
from clary.algorithms.toolkit import codecs, handlers
from clary.algorithms.toolkit.pool import NotLoaded, Pool
from tests.algorithms.conftest import OptMl, Served, wait_until

DEFAULTS = "clary.algorithms.sklearn.handlers"
DOUBLES = """
import json, os

class Doubler:
    def predict(self, rows):
        return rows * 2

def model_fn(model_dir):
    assert os.path.isdir(model_dir)
    return Doubler()
"""


@pytest.fixture(autouse=True)
def import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user's modules change of this process is undone."""
    monkeypatch.syspath_prepend("")


def program(ml: OptMl, source: str, name: str = "inference.py", place: str = "model/code") -> OptMl:
    (ml.root / "model").mkdir(exist_ok=True)
    path = ml.root / place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return ml


def load(ml: OptMl, defaults: str = DEFAULTS, **environ: str) -> handlers.Handlers:
    return handlers.load(Contract(ml.root), environ, defaults)


def ask(ml: OptMl, body: bytes, kind: str | None = "text/csv", accept: str | None = None, **environ: str) -> Answer:
    return load(ml, **environ).invoke(body, kind, accept)


def npy(value: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, value)
    return made.getvalue()


def test_the_defaults_read_and_write_what_awss_do(ml: OptMl) -> None:
    program(ml, DOUBLES)
    assert ask(ml, b"1,2\n3,4\n") == Answer(b"[[2.0, 4.0], [6.0, 8.0]]", "application/json")
    assert ask(ml, b"1,2.5", accept="text/csv") == Answer(b"2.0,5.0\n", "text/csv")
    assert ask(ml, b"[[1, 2]]", "application/json; charset=utf-8", "*/*").body == b"[[2.0, 4.0]]"
    answer = ask(ml, npy([[1, 2]]), "application/x-npy", "application/x-npy")
    assert np.load(io.BytesIO(answer.body)).tolist() == [[2, 4]]
    assert ask(ml, b"1,2", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv").content_type == "text/csv"
    assert ask(ml, b"[1]", None).body == b"[2.0]", "no Content-Type is JSON"


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status"),
    [
        (b"x", "image/png", None, 415),
        (b"x", "application/python-pickle", None, 415),
        (b"1", "text/csv", "image/png", 406),
        (b"{", "application/json", None, 400),
        (b"no npy", "application/x-npy", None, 400),
        (npy(np.array([object()], dtype=object)), "application/x-npy", None, 400),
        (b"a,b\n", "text/csv", None, 400),
    ],
)
def test_what_the_defaults_refuse(ml: OptMl, body: bytes, kind: str, accept: str | None, status: int) -> None:
    with pytest.raises(Refused) as refused:
        ask(program(ml, DOUBLES), body, kind, accept)
    assert refused.value.status == status


def test_the_users_functions_are_called_as_aws_calls_them(ml: OptMl) -> None:
    source = """
def model_fn(model_dir):
    return {"calls": []}

def input_fn(body, content_type):
    return type(body).__name__, body, content_type

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return repr((prediction, accept)), "text/x-repr"
"""
    program(ml, source, "mine.py", "code")
    mine = {"SAGEMAKER_PROGRAM": "mine.py", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/sourcedir.tar.gz"}
    answer = ask(ml, b"1,2", "text/csv", "application/json", **mine)
    assert answer == Answer(b"(('str', '1,2', 'text/csv'), 'application/json')", "text/x-repr")
    assert ask(ml, b"\xff", "application/octet-stream", "text/x", **mine).body.startswith(b"(('bytes'")


def test_one_function_may_do_it_all_and_may_take_a_context(ml: OptMl) -> None:
    source = DOUBLES + "\ndef transform_fn(model, body, kind, accept, context):\n"
    program(ml, source + "    return body.upper() + str(context.system_properties['gpu_id']), accept\n")
    assert ask(ml, b"ab", "text/csv", "text/csv") == Answer(b"ABNone", "text/csv")
    program(ml, source + "    pass\ndef predict_fn(a, b):\n    pass\n")
    with pytest.raises(ClientError, match="transform_fn and predict_fn"):
        load(ml)


@pytest.mark.parametrize(
    ("made", "answer"),
    [
        ("b'raw'", Answer(b"raw", "text/csv")),
        ("('text', 'a/b')", Answer(b"text", "a/b")),
        ("None", Answer(b"", "text/csv")),
        ("[[1, 2], [3, 4]]", Answer(b"1,2\n3,4\n", "text/csv")),
    ],
)
def test_an_output_is_a_body_whatever_it_is(ml: OptMl, made: str, answer: Answer) -> None:
    program(ml, DOUBLES + f"\ndef output_fn(prediction, accept):\n    return {made}\n")
    assert ask(ml, b"1,2", accept="text/csv") == answer


def test_objects_of_web_frameworks_are_bodies_too() -> None:
    flask = SimpleNamespace(get_data=lambda: b"x", mimetype="text/plain")
    assert handlers._answer(flask, "text/csv") == Answer(b"x", "text/plain")
    toolkit = SimpleNamespace(response="y", mimetype="")
    assert handlers._answer(toolkit, "text/csv") == Answer(b"y", "text/csv")


def test_where_the_program_stands(ml: OptMl) -> None:
    (ml.root / "model").mkdir()
    found = handlers.program
    assert found(Contract(ml.root), {}) is None
    with pytest.raises(AlgorithmError, match="define model_fn"):
        load(ml)
    with pytest.raises(ClientError, match=r"mine.py \(SAGEMAKER_PROGRAM\)"):
        load(ml, SAGEMAKER_PROGRAM="mine.py")
    program(ml, "", place="model")
    assert found(Contract(ml.root), {}) == ml.root / "model/inference.py"
    program(ml, "", place="model/code")
    assert found(Contract(ml.root), {}) == ml.root / "model/code/inference.py"
    program(ml, "", place="elsewhere")
    said = {"SAGEMAKER_SUBMIT_DIRECTORY": f"file://{ml.root}/elsewhere"}
    assert found(Contract(ml.root), said) == ml.root / "elsewhere/inference.py"


def test_csv_of_words_and_numbers() -> None:
    assert codecs.decode("a,1\nb,2\n", "text/csv").tolist() == [["a", "1"], ["b", "2"]]
    assert codecs.decode(b"1,\n2,3\n", "text/csv").shape == (2, 2)
    assert codecs.encode([1.5, 2.0], "text/csv") == b"1.5\n2.0\n"
    assert codecs.encode({"a": np.float32(1)}, "application/json") == b'{"a": 1.0}'


# Workers


WORKER = (
    DOUBLES
    + """
def input_fn(body, kind):
    return body

def predict_fn(word, model):
    import os, select, signal
    print("asked", word, flush=True)
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        signal.pause()
    if word == "wait":
        select.select([], [], [], 0.3)
    if word == "boom":
        raise ValueError("no " + word)
    if word == "teapot":
        error = ValueError("short and stout")
        error.status_code = 418
        raise error
    return str(os.getpid())

def output_fn(word, accept):
    return word
"""
)


@pytest.fixture
def pool(ml: OptMl) -> Iterator[Callable[..., Pool]]:
    made: list[Pool] = []

    def start(source: str = WORKER, *, most: int = 2, seconds: float = 30.0) -> Pool:
        program(ml, source)
        environ = dict(os.environ) | {"CLARY_ML_ROOT": str(ml.root)}
        made.append(Pool(DEFAULTS, environ, most=most, seconds=seconds))
        return made[-1]

    yield start
    for one in made:
        one.close()


def answer(pool: Pool, word: str) -> str:
    return pool.invoke(word.encode(), "text/csv", None).body.decode()


def test_there_is_one_worker_until_requests_wait_for_each_other(pool: Callable[..., Pool]) -> None:
    made = pool()
    assert {answer(made, "x") for _ in range(5)} == {answer(made, "x")}
    with ThreadPoolExecutor(8) as threads:
        pids = set(threads.map(lambda _: answer(made, "wait"), range(16)))
    assert len(pids) == 2


def test_the_users_errors_are_answered_and_the_worker_lives(
    pool: Callable[..., Pool], capfd: pytest.CaptureFixture[str]
) -> None:
    made = pool(most=1)
    pid = answer(made, "x")
    for word, status, said in (("boom", 500, "ValueError: no boom"), ("teapot", 418, "short and stout")):
        with pytest.raises(Refused, match=said) as refused:
            answer(made, word)
        assert refused.value.status == status
    assert answer(made, "x") == pid
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_a_worker_that_dies_or_hangs_is_replaced(pool: Callable[..., Pool]) -> None:
    made = pool(most=1)
    pid = answer(made, "x")
    with pytest.raises(Refused, match="died of this request: exit code 137"):
        answer(made, "die")
    second = answer(made, "x")
    assert second != pid
    hasty = pool(most=1, seconds=1.0)
    with pytest.raises(Refused, match="did not answer within 1 s"):
        answer(hasty, "hang")


def test_a_model_that_does_not_load_is_told(pool: Callable[..., Pool], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotLoaded, match="FileNotFoundError"):
        pool("def model_fn(model_dir):\n    open('/no/such/file')\n")
    assert "Traceback" in capfd.readouterr().err
    with pytest.raises(NotLoaded, match="ended with exit code 3"):
        pool("import os\nos._exit(3)\n")


def test_the_server_of_a_program(ml: OptMl, serve: Callable[..., Served]) -> None:
    program(ml, WORKER)
    served = serve(ml, module="clary.algorithms.sklearn", SAGEMAKER_MODEL_SERVER_WORKERS="1")
    status, body = served.invoke("x")
    assert status == 200 and body.isdigit()
    assert served.invoke("boom") == (500, "ValueError: no boom")
    assert served.stop() == 0
    wait_until(lambda: not Path(f"/proc/{body}").exists())
    said = ml.log.read_text()
    assert "scikit-learn " in said and "asked boom" in said and "Traceback" in said


def test_the_xgboost_image_serves_a_program_or_its_own(ml: OptMl, serve: Callable[..., Served]) -> None:
    from clary.algorithms.xgboost.engine import xgb

    features = np.random.default_rng(1).random((50, 2)).astype(np.float32)
    booster = xgb.train({"nthread": 1}, xgb.DMatrix(features, label=features[:, 0]), 5)
    (ml.root / "model").mkdir()
    booster.save_model(ml.root / "model" / "xgboost-model.json")
    program(ml, "def output_fn(prediction, accept):\n    return str(len(prediction))\n")
    served = serve(ml, module="clary.algorithms.xgboost")
    assert served.invoke("0.1,0.2\n0.3,0.4\n") == (200, "2")
    assert served.invoke("0:0.1 1:0.2\n", "text/libsvm") == (200, "1")
    assert served.stop() == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pytorchs_defaults_serve_a_scripted_network(ml: OptMl) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'clary[torch]'")
    model = ml.root / "model"
    model.mkdir()
    defaults = "clary.algorithms.pytorch.handlers"
    with pytest.raises(AlgorithmError, match="it holds no"):
        load(ml, defaults)
    (model / "weights.pth").write_bytes(b"weights without their network")
    with pytest.raises(AlgorithmError, match="define model_fn"):
        load(ml, defaults)
    network = torch.nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, 2.0]]))
        network.bias.fill_(0.5)
    torch.jit.script(network).save(model / "model.pt")
    loaded = load(ml, defaults)
    assert loaded.invoke(b"1,2\n3,4\n", "text/csv", None).body == b"[[5.5], [11.5]]"
    assert loaded.invoke(b"[[1, 1]]", "application/json", "text/csv").body == b"3.5\n"
    assert np.load(io.BytesIO(loaded.invoke(npy(np.ones((1, 2), "f4")), codecs.NPY, codecs.NPY).body)) == 3.5
