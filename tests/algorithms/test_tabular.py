"""What the table algorithms share: requests and answers, several hosts in step, their commands in processes."""

import io
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.factorization_machines import model as machines
from clary.algorithms.factorization_machines import train as train_machines
from clary.algorithms.kmeans import model as clusters
from clary.algorithms.kmeans import train as train_clusters
from clary.algorithms.linear_learner import model as linear
from clary.algorithms.linear_learner import train as train_linear
from clary.algorithms.recordio import batches, frames, wire
from clary.algorithms.serve import Refused
from clary.algorithms.tabular import artifact, group
from clary.algorithms.tabular.group import Group
from clary.algorithms.tabular.serving import TableModel
from tests.algorithms.conftest import OptMl, Served, wait_until
from tests.algorithms.tabular import Job

JSON, LINES, CSV, RECORDIO = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "application/x-recordio-protobuf",
)


class Sums:
    """A predictor whose answers are easily known."""

    columns = 3

    def answer(self, features: Any) -> list[dict[str, Any]]:
        return [{"score": float(one), "predicted_label": 1} for one in np.asarray(features.sum(axis=1)).reshape(-1)]


def records(table: Any) -> bytes:
    out = io.BytesIO()
    batches.write(out, table)
    return out.getvalue()


BODIES: Mapping[str, tuple[str, bytes]] = {
    "csv": (CSV, b"1,2,3\n4,5,6\n"),
    "csv with blanks": ("text/csv; charset=utf-8", b"1, 2 ,3\r\n\r\n4,5,6"),
    "json": (JSON, b'{"instances":[{"features":[1,2,3]},{"features":[4,5,6]}]}'),
    "json of lists": (JSON, b'{"instances":[[1,2,3],[4,5,6]]}'),
    "json with data": (JSON, b'{"instances":[{"data":{"features":{"values":[1,2,3]}}},{"features":[4,5,6]}]}'),
    "sparse json": (
        JSON,
        b'{"instances":[{"data":{"features":{"keys":[0,2],"shape":[3],"values":[1,5]}}},{"features":[4,5,6]}]}',
    ),
    "lines": (LINES, b'{"features":[1,2,3]}\n{"data":{"features":{"values":[4,5,6]}}}\n'),
    "records": (RECORDIO, records(np.array([[1, 2, 3], [4, 5, 6]]))),
    "sparse records": (RECORDIO, records(csr_matrix([[0, 0, 6], [4, 5, 6]]))),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_become_rows(case: str) -> None:
    kind, body = BODIES[case]
    answer = TableModel(Sums(), {}).invoke(body, kind, None)
    assert json.loads(answer.body)["predictions"] == [
        {"score": 6, "predicted_label": 1},
        {"score": 15, "predicted_label": 1},
    ]
    assert answer.content_type == JSON


def test_answers_come_as_they_are_accepted() -> None:
    served = TableModel(Sums(), {})
    assert served.invoke(b"1,2,3", CSV, "text/csv").body == b"6.0,1\n"
    assert served.invoke(b"1,2,3", CSV, LINES).body == b'{"score": 6.0, "predicted_label": 1}\n'
    assert served.invoke(b"1,2,3", CSV, "*/*").content_type == JSON
    (payload,) = frames.blocks(io.BytesIO(served.invoke(b"1,2,3", CSV, RECORDIO).body))
    found = wire.decode(payload if isinstance(payload, bytes) else payload[0].tobytes())
    assert {name: one.values.tolist() for name, one in found.label.items()} == {"score": [6], "predicted_label": [1]}
    assert (
        TableModel(Sums(), {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": CSV}).invoke(b"1,2,3", CSV, None).body == b"6.0,1\n"
    )


@pytest.mark.parametrize(
    ("kind", "body", "status", "message"),
    [
        ("image/png", b"1", 415, "Content type image/png is not supported"),
        (CSV, b" \n", 400, "The request body is empty"),
        (CSV, b"1,2\n", 400, "The rows have 2 features, but the model takes 3"),
        (CSV, b"0,1,2,3\n", 400, "Leave out the label"),
        (CSV, b"1,x,3\n", 400, "row 1, column 2: 'x' is not a number"),
        (CSV, b"1,2,nan\n", 400, "every one must be finite"),
        (JSON, b"{", 400, "is not JSON"),
        (JSON, b'{"rows":[]}', 400, 'must be {"instances"'),
        (JSON, b'{"instances":[{"x":1}]}', 400, 'Row 1 has no "features"'),
        (JSON, b'{"instances":[{"features":[1,"2",3]}]}', 400, "Row 1: the features must be a list of numbers"),
        (JSON, b'{"instances":[{"features":[1,2]}]}', 400, "Row 1 has 2 features, but the model takes 3"),
        (LINES, b'{"features":{"keys":[9],"values":[1]}}', 400, "A row has the key 9, but the model takes 3"),
        (LINES, b'{"features":{"keys":[1],"values":[1,2]}}', 400, "as many keys as values"),
        (RECORDIO, b"1,2,3", 400, "record 1"),
    ],
)
def test_bodies_that_do_not_fit_are_refused(kind: str, body: bytes, status: int, message: str) -> None:
    with pytest.raises(Refused, match=message.replace("{", r"\{")) as refused:
        TableModel(Sums(), {}).invoke(body, kind, None)
    assert refused.value.status == status


def test_what_cannot_be_accepted_is_refused() -> None:
    with pytest.raises(Refused, match="supported are application/json"):
        TableModel(Sums(), {}).invoke(b"1,2,3", CSV, "image/png")


def test_an_artifact_of_another_algorithm_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(AlgorithmError, match="must hold a file model_algo-1; it holds nothing"):
        artifact.load(tmp_path, "k-means")
    artifact.save(tmp_path, "k-means", {}, {"centers": np.ones(2)})
    with pytest.raises(
        AlgorithmError, match="a model of k-means, format 1; this server reads models of linear-learner"
    ):
        artifact.load(tmp_path, "linear-learner")
    (tmp_path / "model_algo-1").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(AlgorithmError, match="is no model that this algorithm saved"):
        artifact.load(tmp_path, "k-means")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that nobody listens on; hosts of these tests are addresses of the loopback network."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    monkeypatch.setattr(group, "PORT", free)
    return free


def beside(*runs: Callable[[], Any]) -> list[Any]:
    """All at once, as hosts do; what each returned or raised."""
    found: list[Any] = [None] * len(runs)

    def one(number: int) -> None:
        try:
            found[number] = runs[number]()
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


def test_hosts_add_up_and_gather(port: int) -> None:
    def host(name: str) -> Any:
        with Group(HOSTS, name, port) as one:
            summed = one.sum(np.full(3, one.rank + 1))
            lists = one.gather(np.arange(one.rank + 1))
            return summed.tolist(), [each.tolist() for each in lists], one.any(one.rank == 2), one.any(False)

    first, *others = beside(*(lambda name=name: host(name) for name in HOSTS))
    assert first == ([6, 6, 6], [[0], [0, 1], [0, 1, 2]], True, False)
    assert others == [([6, 6, 6], [], True, False)] * 2


def test_a_host_that_ends_too_early_is_told(port: int) -> None:
    def early() -> None:
        Group(HOSTS[:2], HOSTS[1], port).close()

    def first() -> None:
        with Group(HOSTS[:2], HOSTS[0], port) as one:
            one.sum(np.zeros(1))

    told, _ = beside(first, early)
    assert isinstance(told, AlgorithmError) and "has ended before the training did" in str(told)


def test_a_host_that_never_comes_is_named(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PATIENCE", 0.2)
    with pytest.raises(AlgorithmError, match=r"127.0.0.2 did not come"):
        Group(HOSTS[:2], HOSTS[0], port)
    with pytest.raises(AlgorithmError, match=r"127.0.0.1 cannot be reached"):
        Group(HOSTS[:2], HOSTS[1], port)


CHANCE = np.random.default_rng(1)
FEATURES = CHANCE.normal(0, 1, (900, 3)).astype(np.float32)
LABELS = (FEATURES @ [1, -2, 0.5] + 1).astype(np.float32)
TRAINED: Mapping[str, tuple[Any, Any, Mapping[str, object], Callable[[Any], bool]]] = {
    "linear_learner": (
        train_linear,
        linear,
        {"predictor_type": "regressor", "epochs": 20},
        lambda found: bool(np.allclose(found.weights[:, 0], [1, -2, 0.5], atol=0.1)),
    ),
    "kmeans": (train_clusters, clusters, {"k": 3, "feature_dim": 3}, lambda found: len(found.centers) == 3),
    "factorization_machines": (
        train_machines,
        machines,
        {"predictor_type": "regressor", "feature_dim": 3, "num_factors": 2, "epochs": 40, "linear_lr": 0.1},
        lambda found: bool(np.allclose(found.machine.linear, [1, -2, 0.5], atol=0.3)),
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_two_hosts_learn_from_both_halves(name: str, tmp_path: Path, port: int) -> None:
    algorithm, model, given, good = TRAINED[name]
    jobs = []
    for number, host in enumerate(HOSTS[:2]):
        half = slice(number, None, 2)
        job = Job(tmp_path / host, algorithm, model, given | {"mini_batch_size": 50})
        jobs.append(job.put("train", FEATURES[half], LABELS[half]).write(HOSTS[:2], host))
    from clary.algorithms.contract import Stop

    told = beside(*(lambda job=job: algorithm.train(job.contract, Stop()) for job in jobs))
    assert told == [None, None]
    assert good(model.load(jobs[0].contract))
    assert not (jobs[1].root / "model").exists(), "only the first host saves the model"


def listens(path: Path) -> bool:
    """A socket has its name a moment before it takes connections."""
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


@pytest.fixture
def serve() -> Iterator[Callable[[OptMl, str], Served]]:
    running: list[Served] = []

    def start(ml: OptMl, name: str) -> Served:
        path = ml.root / "server.sock"
        served = Served(path, ml.start(f"clary.algorithms.{name}", "serve", CLARY_BIND=f"unix:{path}"))
        running.append(served)
        wait_until(lambda: listens(path) or served.process.poll() is not None)
        assert served.process.poll() is None, ml.log.read_text()
        return served

    yield start
    for one in running:
        for connection in one.open:
            connection.close()
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(60)


@pytest.mark.parametrize("name", TRAINED)
def test_the_commands_as_a_runner_starts_them(name: str, ml: OptMl, serve: Callable[[OptMl, str], Served]) -> None:
    algorithm, model, given, _ = TRAINED[name]
    Job(ml.root, algorithm, model, given).put("train", FEATURES, LABELS).write()
    assert ml.start(f"clary.algorithms.{name}", "train").wait(60) == 0, ml.log.read_text()
    assert [one.name for one in (ml.root / "model").iterdir()] == ["model_algo-1"]
    served = serve(ml, name)
    status, body = served.invoke("1,2,3\n", "text/csv", "application/json")
    assert status == 200 and len(json.loads(body)["predictions"]) == 1
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0


def test_a_users_mistake_ends_with_its_reason(ml: OptMl) -> None:
    Job(ml.root, train_clusters, clusters, {"k": "0", "feature_dim": 3}).put("train", FEATURES).write()
    assert ml.start("clary.algorithms.kmeans", "train").wait(60) == 1
    assert ml.failure == "ClientError: Hyperparameter k: '0' is not allowed; it must be an integer of at least 1."


def test_a_model_server_imports_little() -> None:
    """What is served needs neither scikit-learn nor pandas: their import would cost a second."""
    program = (
        "import sys; from clary.algorithms.tabular import serving; from clary.algorithms.linear_learner import model; "
        "from clary.algorithms.kmeans import model; from clary.algorithms.factorization_machines import model; "
        "print([one for one in ('sklearn', 'pandas', 'pyarrow', 'xgboost') if one in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
