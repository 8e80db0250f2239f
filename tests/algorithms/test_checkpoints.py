"""A training that is interrupted goes on from its checkpoints, to the model that it would have made undisturbed."""

import json
import pickle
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.contract import ClientError, Contract, Stop, Stopped
from clary.algorithms.xgboost import checkpoint
from clary.algorithms.xgboost.checkpoint import Checkpoints
from clary.algorithms.xgboost.engine import xgb
from tests.algorithms.conftest import OptMl, wait_until
from tests.algorithms.test_train import prepared

SAMPLING = {"subsample": "0.6", "colsample_bytree": "0.7", "colsample_bylevel": "0.8", "seed": "5"}

UPDATER = "ignore:.*manually specified the `updater` parameter:UserWarning"
"""XGBoost's advice, given once a process to whoever comes first; here the parameter is meant."""


def kept(ml: OptMl) -> OptMl:
    """The job keeps checkpoints, as the control plane says it."""
    (ml.root / "input" / "config" / "checkpointconfig.json").write_text('{"LocalPath": "/opt/ml/checkpoints"}')
    (ml.root / "checkpoints").mkdir(exist_ok=True)
    return ml


def names(ml: OptMl) -> list[str]:
    return sorted(one.name for one in (ml.root / "checkpoints").iterdir())


def whole(ml: OptMl) -> list[int]:
    """The rounds of the checkpoints, without one that is just being written."""
    return [int(one.rpartition(".")[2]) for one in names(ml) if one.startswith("xgboost")]


def raw(booster: object) -> bytes:
    return bytes(booster.save_raw("json"))  # type: ignore[attr-defined]


def test_the_newest_two_stay(ml: OptMl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    booster = kept(prepared(ml)).train()
    assert names(ml) == ["xgboost-checkpoint.3", "xgboost-checkpoint.4"]
    newest = xgb.Booster(model_file=bytearray((ml.root / "checkpoints" / "xgboost-checkpoint.4").read_bytes()))
    assert raw(newest) == raw(booster)


def test_rounds_of_milliseconds_are_not_all_kept_but_the_last(ml: OptMl, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    kept_ones = Checkpoints(ml.root)
    booster = prepared(ml).train()
    for number, after in enumerate((0.0, 0.3, 0.3, 0.5, 0.3)):
        now[0] += after
        kept_ones.offer(booster, number)
    assert sorted(one.name for one in ml.root.glob("xgboost-*")) == ["xgboost-checkpoint.0", "xgboost-checkpoint.3"]
    kept_ones.save(booster, 4)
    kept_ones.save(booster, 4)
    assert sorted(one.name for one in ml.root.glob("xgboost-*")) == ["xgboost-checkpoint.3", "xgboost-checkpoint.4"]


def test_none_are_kept_unless_asked_for(ml: OptMl) -> None:
    prepared(ml).train()
    assert not (ml.root / "checkpoints").exists()


@pytest.mark.filterwarnings(UPDATER)
@pytest.mark.parametrize(
    "given",
    [
        {"tree_method": "exact"},
        {"tree_method": "hist", "colsample_bynode": "0.5"},
        {"tree_method": "approx"},
        {"booster": "dart", "rate_drop": "0.3", "tree_method": "hist"},
        {"num_parallel_tree": "2", "tree_method": "hist"},
        {"booster": "gblinear"},
        {"tree_method": "hist", "updater": "grow_quantile_histmaker,prune", "gamma": "0.1"},
    ],
    ids=lambda given: "-".join(given.values()),
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(tmp_path: Path, given: dict[str, str]) -> None:
    sampling = {} if given.get("booster") == "gblinear" else SAMPLING
    undisturbed = prepared(OptMl(tmp_path / "a"), num_round="12", **(sampling | given)).train()
    halves = kept(prepared(OptMl(tmp_path / "b"), num_round="5", **(sampling | given)))
    halves.train()
    assert raw(kept(prepared(halves, num_round="12", **(sampling | given))).train()) == raw(undisturbed)


def test_patience_lives_on_in_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"early_stopping_rounds": "5", "eta": "0.9", "max_depth": "8", "eval_metric": "logloss"} | SAMPLING
    undisturbed = prepared(OptMl(tmp_path / "a"), num_round="500", **given).train()
    lines = re.findall(r"^\[\d+\]#011.*$", capsys.readouterr().out, re.M)
    halves = kept(prepared(OptMl(tmp_path / "b"), num_round=str(len(lines) - 3), **given))
    halves.train()
    again = kept(prepared(halves, num_round="500", **given)).train()
    assert re.findall(r"^\[\d+\]#011.*$", capsys.readouterr().out, re.M) == lines
    assert raw(again) == raw(undisturbed)


def test_a_killed_process_begins_again_where_it_was(ml: OptMl) -> None:
    kept(prepared(ml, num_round="1000000", max_depth="2", eta="0.01"))
    process = ml.start("clary.algorithms.xgboost", "train")
    wait_until(lambda: process.poll() is not None or len(whole(ml)) > 1)
    process.kill()
    process.wait(60)
    done = max(whole(ml))
    assert done > 0
    given = {"num_round": str(done + 3), "max_depth": "2", "eta": "0.01"}
    booster = kept(prepared(ml, **given)).train()
    assert booster.num_boosted_rounds() == done + 3
    assert raw(booster) == raw(prepared(OptMl(ml.root / "again"), **given).train())


def test_a_checkpoint_of_other_data_says_so(ml: OptMl) -> None:
    kept(prepared(ml)).train()
    ml.put("train/a.csv", "0,1,2,3,4\n1,2,3,4,5\n").put("validation/a.csv", "0,1,2,3,4\n")
    with pytest.raises(ClientError, match="model to go on from has 3 columns, the data 4"):
        ml.train()


def test_what_is_no_checkpoint_is_named_and_the_one_before_counts(
    ml: OptMl, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(prepared(ml)).train()
    (ml.root / "checkpoints" / "xgboost-checkpoint.9").write_bytes(b"torn")
    (ml.root / "checkpoints" / "notes.txt").write_text("mine")
    _, done = Checkpoints(ml.root / "checkpoints").load()
    assert done == 5
    assert "xgboost-checkpoint.9 cannot be read" in capsys.readouterr().out


def test_a_training_that_was_done_is_only_saved(ml: OptMl) -> None:
    first = raw(kept(prepared(ml)).train())
    (ml.root / "model" / "xgboost-model").unlink()
    assert raw(kept(prepared(ml)).train()) == first


def test_a_job_that_is_stopped_before_it_goes_on_keeps_what_it_had(ml: OptMl) -> None:
    first = raw(kept(prepared(ml)).train())
    (ml.root / "model" / "xgboost-model").unlink()
    stop = Stop()
    stop.ask()
    with pytest.raises(Stopped):
        kept(prepared(ml, num_round="9")).train(stop)
    assert raw(ml.booster()) == first


def test_where_checkpoints_are_is_the_jobs_to_say(ml: OptMl) -> None:
    ml.job({})
    assert Contract(ml.root).checkpoints() is None
    config = ml.root / "input" / "config" / "checkpointconfig.json"
    for said, place in (("/opt/ml/checkpoints/mine", ml.root / "checkpoints" / "mine"), ("/data", Path("/data"))):
        config.write_text(json.dumps({"LocalPath": said}))
        assert Contract(ml.root).checkpoints() == place


def earlier(ml: OptMl, rounds: int, *, archive: bool = True) -> OptMl:
    """The channel `model` holds a model of that many rounds."""
    booster = prepared(OptMl(ml.root / "earlier"), num_round=str(rounds), max_depth="2").train()
    folder = ml.root / "input" / "data" / "model"
    folder.mkdir(parents=True)
    if archive:
        with tarfile.open(folder / "model.tar.gz", "w:gz") as file:
            file.add(ml.root / "earlier" / "model" / "xgboost-model", "xgboost-model")
    else:
        (folder / "xgboost-model").write_bytes(pickle.dumps(booster))
    return ml


@pytest.mark.parametrize("archive", [True, False])
def test_an_earlier_model_is_continued(ml: OptMl, archive: bool) -> None:
    undisturbed = prepared(OptMl(ml.root / "whole"), num_round="7", max_depth="2").train()
    assert raw(prepared(earlier(ml, 4, archive=archive), num_round="3", max_depth="2").train()) == raw(undisturbed)


@pytest.mark.filterwarnings(UPDATER)
def test_an_earlier_models_trees_are_updated(ml: OptMl) -> None:
    prepared(earlier(ml, 4), num_round="4", process_type="update", updater="refresh", refresh_leaf="1")
    ml.put("train/a.csv", (ml.root / "input/data/train/a.csv").read_text().replace("\n0,", "\n1,"))
    before = xgb.Booster(model_file=None)
    before = pickle.loads((ml.root / "earlier" / "model" / "xgboost-model").read_bytes())
    after = ml.train()
    trees = [[re.sub(r"leaf=.*", "leaf", tree) for tree in one.get_dump()] for one in (before, after)]
    assert trees[0] == trees[1] and before.get_dump() != after.get_dump()
    row = xgb.DMatrix(np.array([[0.1, 0.1, 0.1]], np.float32))
    assert before.predict(row)[0] < 0.5 < after.predict(row)[0]


def test_what_cannot_be_updated_says_so(ml: OptMl) -> None:
    with pytest.raises(ClientError, match="update needs an existing model; give it as channel model"):
        prepared(ml, process_type="update").train()
    with pytest.raises(ClientError, match="trees of 5 rounds, but the existing model has 4"):
        prepared(earlier(ml, 4), process_type="update").train()
    (ml.root / "input" / "data" / "model" / "model.tar.gz").write_bytes(b"no archive")
    with pytest.raises(ClientError, match="Channel model holds no model of XGBoost"):
        prepared(ml).train()
