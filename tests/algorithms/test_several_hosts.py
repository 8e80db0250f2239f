"""Training by several hosts: real processes on loopback addresses of their own, one model of the rows of all."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clary.algorithms.contract import AlgorithmError, ClientError, Contract, Stop
from clary.algorithms.xgboost import distributed, rendezvous
from clary.algorithms.xgboost.data import find_rows
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.hyperparameters import read
from clary.algorithms.xgboost.rendezvous import Rendezvous
from tests.algorithms.conftest import OptMl, wait_until
from tests.algorithms.test_train import rows


class Hosts:
    """A job of several hosts. Addresses stand for their names: nothing need resolve."""

    def __init__(self, root: Path, count: int) -> None:
        # Of their own for each test process, since all hosts listen on the port that the algorithm always takes.
        network = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}"
        self.names = [f"{network}.{n + 1}" for n in range(count)]
        self.each = [OptMl(root / f"host-{n + 1}") for n in range(count)]
        self.running: list[subprocess.Popen[bytes]] = []

    def job(self, data: Sequence[Sequence[str]], kind: str | None = "text/csv", **given: str) -> "Hosts":
        """`data`: what each host has of train, then of validation."""
        for host, ml, parts in zip(self.names, self.each, data, strict=True):
            channels = dict.fromkeys(("train", "validation")[: len(parts)], kind)
            ml.job({"num_round": "5", "nthread": "1"} | given, **channels)
            for channel, content in zip(channels, parts, strict=True):
                ml.put(f"{channel}/part", content)
            config = ml.root / "input" / "config" / "resourceconfig.json"
            config.write_text(json.dumps({"hosts": self.names, "current_host": host}))
        return self

    def start(self) -> "Hosts":
        self.running = [one.start("clary.algorithms.xgboost", "train") for one in self.each]
        return self

    def ended(self) -> list[int]:
        return [one.wait(60) for one in self.running]

    def told(self, text: str) -> None:
        """Returns once the first host has said so."""
        log = self.each[0].log
        wait_until(lambda: text in log.read_text() or self.running[0].poll() is not None)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Hosts]:
    hosts = Hosts(tmp_path, 2)
    yield hosts
    for one in hosts.running:
        if one.poll() is None:
            one.kill()
        one.wait(60)


def scores(ml: OptMl) -> list[str]:
    return re.findall(r"^\[\d+\]#011.*$", ml.log.read_text(), re.M)


def test_two_hosts_train_the_model_of_all_rows(two: Hosts, tmp_path: Path) -> None:
    train, validation = rows(600, 1).splitlines(True), rows(200, 2).splitlines(True)
    given = {"objective": "binary:logistic", "eval_metric": "error,auc,accuracy,f1_macro,mse,r2", "tree_method": "hist"}
    given["early_stopping_rounds"] = "50"
    halves = [("".join(train[n::2]), "".join(validation[n::2])) for n in range(2)]
    (two.job(halves, **given).each[0].root / "checkpoints").mkdir()
    assert two.start().ended() == [0, 0]
    first, second = two.each
    assert len(scores(first)) == 5 and not scores(second)
    assert (first.root / "model" / "xgboost-model").is_file() and not (second.root / "model").exists()
    assert len(list((first.root / "checkpoints").iterdir())) == 2

    alone = OptMl(tmp_path / "alone")
    alone.job({"num_round": "5", "nthread": "1"} | given, train="text/csv", validation="text/csv")
    alone.put("train/part", "".join(train[0::2] + train[1::2])).put("validation/part", "".join(validation))
    booster = alone.train()
    features = np.random.default_rng(1).random((100, 3)).astype(np.float32)
    # Histograms are merged from sketches of the parts, so cuts may differ by a row or two, the models hardly.
    together = first.booster().predict(xgb.DMatrix(features))
    np.testing.assert_allclose(together, booster.predict(xgb.DMatrix(features)), atol=0.1)
    last = dict(re.findall(r"#011(validation-\w+):([\d.]+)", scores(first)[-1]))
    measured = xgb.DMatrix(np.array([line.split(",")[1:] for line in validation], np.float32))
    labels = np.array([line.split(",")[0] for line in validation], np.float32)
    said = first.booster().predict(measured)
    assert float(last["validation-accuracy"]) == pytest.approx(np.mean((said > 0.5) == labels), abs=1e-5)
    assert float(last["validation-error"]) == pytest.approx(np.mean((said > 0.5) != labels), abs=1e-5)
    assert float(last["validation-mse"]) == pytest.approx(np.mean((said - labels) ** 2), abs=1e-5)
    assert float(last["validation-r2"]) == pytest.approx(1 - np.mean((said - labels) ** 2) / labels.var(), abs=1e-5)


@pytest.mark.slow
def test_hosts_go_on_from_the_first_ones_checkpoint_to_the_same_model(tmp_path: Path) -> None:
    data = [(rows(300, n),) for n in range(2)]
    given = {"tree_method": "hist", "subsample": "0.6", "colsample_bytree": "0.7"}

    def model(name: str, *rounds: str) -> bytes:
        hosts = Hosts(tmp_path / name, 2)
        (hosts.each[0].root / "checkpoints").mkdir(parents=True)
        for number in rounds:
            assert hosts.job(data, num_round=number, **given).start().ended() == [0, 0]
        assert ("Resuming from iteration 3" in hosts.each[0].log.read_text()) == (len(rounds) > 1)
        return bytes(hosts.each[0].booster().save_raw("json"))

    assert model("halves", "3", "8") == model("whole", "8")


def test_a_host_that_is_lost_is_named_by_the_others(two: Hosts) -> None:
    two.job([(rows(300, n),) for n in range(2)], num_round="1000000").start().told("[3]#011")
    two.running[1].kill()
    assert two.ended() == [1, -signal.SIGKILL]
    assert two.each[0].failure.startswith(f"Host {two.names[1]} was lost while training")
    assert not (two.each[0].root / "model").exists()


def test_all_stop_after_the_same_round_and_a_host_without_rows_takes_part(two: Hosts) -> None:
    sparse = "0 0:1\n1 4:1\n" * 50
    two.job([("", "1 2:3"), (sparse, "")], kind=None, num_round="1000000", eta="0.001").start().told("[3]#011")
    two.running[1].send_signal(signal.SIGTERM)
    assert two.ended() == [0, 0]
    booster = two.each[0].booster()
    assert booster.num_features() == 5
    assert 4 <= booster.num_boosted_rounds() == len(scores(two.each[0])) < 1_000_000
    assert "does not have training data: it takes part with none" in two.each[0].log.read_text()


def test_a_host_that_waits_for_the_others_ends_when_it_is_asked(two: Hosts) -> None:
    two.job([(rows(30, n),) for n in range(2)])
    two.running = [two.each[0].start("clary.algorithms.xgboost", "train")]
    two.told("Distributed node training")
    two.running[0].send_signal(signal.SIGTERM)
    assert two.ended() == [0]


def part(count: int, columns: int, **about: Any) -> dict[str, Any]:
    known = {"rows": count, "columns": columns, "sparse": False, "weights": False, "queries": False}
    return {"channels": {"train": known | about}}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([part(0, 0), part(0, 0)], "No data in train channel path of any of the hosts 127.0.0.1, b"),
        ([part(1, 2), part(1, 3)], "some have 2 feature columns, some 3"),
        ([part(1, 2), part(1, 3, sparse=True)], "some have 2 feature columns, some 3"),
        ([part(1, 2, weights=True), part(1, 2)], "only some have weights"),
        ([part(1, 2, queries=True), part(1, 2)], "only some have queries"),
    ],
)
def test_rows_that_do_not_fit_together_are_named(said: list[Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        distributed.Tracker(["127.0.0.1", "b"]).agree(said)


def test_what_one_host_holds_no_other_need_hold(ml: OptMl) -> None:
    agreed = {"columns": 3, "sparse": True, "weights": True, "queries": True}
    none = distributed.widened(None, agreed)
    assert (none.count, none.width, none.sparse) == (0, 3, True)
    assert none.weights is not None and none.groups is not None
    one = ml.job({}, train=None).put("train/a", "1:2 qid:1 0:1\n")
    channel = Contract(one.root).channels()["train"]
    rows_of_it = find_rows(channel)
    assert rows_of_it is not None and distributed.widened(rows_of_it, agreed).width == 3
    known = distributed.told({"train": rows_of_it, "validation": None})["channels"]
    assert known["train"] == {"rows": 1, "columns": 3, "sparse": True, "weights": True, "queries": True}
    assert known["validation"]["rows"] == 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"_kfold": "2"}, "_kfold: cross-validation runs on one instance"),
        ({"tree_method": "exact"}, "exact grows trees on one instance only"),
        ({"updater": "grow_colmaker"}, "exact grows trees on one instance only"),
        ({"booster": "gblinear"}, "gblinear trains on one instance only"),
        ({"objective": "survival:cox"}, "survival:cox looks at all rows at once"),
    ],
)
def test_what_several_hosts_cannot_do_is_refused(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        distributed.check(read({"num_round": "1"} | given), ["algo-1", "algo-2"], "algo-1")


def test_a_host_must_be_one_of_the_hosts(ml: OptMl) -> None:
    ml.job({"num_round": "1"}, train="text/csv")
    config = ml.root / "input" / "config" / "resourceconfig.json"
    config.write_text('{"hosts": ["algo-1", "algo-2"], "current_host": "algo-3"}')
    with pytest.raises(AlgorithmError, match="current_host algo-3 is not one of the hosts algo-1, algo-2"):
        ml.train()
    assert Contract(ml.root).hosts() == ["algo-1", "algo-2"]
    assert not Stop()


def meeting(names: Sequence[str], current: str, said: list[str]) -> Rendezvous:
    return Rendezvous(names, current, said.append)


def test_strangers_and_gone_hosts_are_no_hosts() -> None:
    """The first host listens where anybody on this machine can talk to it."""
    names = Hosts(Path("/nowhere"), 2).names
    said: list[str] = []
    heard: list[Any] = []
    leading = meeting(names, names[0], said)
    thread = threading.Thread(target=lambda: heard.append(leading.meet({"rows": 1}, lambda every: {"n": every})))
    thread.start()
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b'{"host":"stranger"}\n', b"[1]\n"):
        with rendezvous._connected(names[0]) as stranger:
            stranger.sendall(nonsense)
            assert stranger.recv(100) == b""
    other: list[str] = []
    following = meeting(names, names[1], other)
    assert following.meet({"rows": 2}, lambda _: {}) == {"n": [{"rows": 1}, {"host": names[1], "rows": 2}]}
    thread.join(60)
    assert heard == [{"n": [{"rows": 1}, {"host": names[1], "rows": 2}]}] and not said
    following._links[names[0]].close()
    wait_until(lambda: bool(said))
    assert said == [f"Host {names[1]} was lost while training: its process ended before its part was done."]
    leading._links[names[1]].close()


def test_a_first_host_that_never_comes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "JOIN_SECONDS", 0.05)
    names = Hosts(Path("/nowhere"), 2).names
    with pytest.raises(AlgorithmError, match=rf"Host {names[0]} cannot be reached on port 9099"):
        meeting(names, names[1], []).meet({}, lambda _: {})
    with pytest.raises(AlgorithmError, match=rf"Hosts {names[1]} did not come within"):
        meeting(names, names[0], []).meet({}, lambda _: {})
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: (_ for _ in ()).throw(socket.gaierror("not known")))
    with pytest.raises(AlgorithmError, match="Host algo-1 cannot listen on port 9099: not known"):
        meeting(["algo-1", "algo-2"], "algo-1", []).meet({}, lambda _: {})
