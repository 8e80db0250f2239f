"""Models that old versions of XGBoost saved, in `models/`: each file is named by its version, and was saved by it with
what it answered to a dozen rows. XGBoost itself no longer reads most of them."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.xgboost import legacy, model
from clary.algorithms.xgboost.engine import xgb

MODELS = Path(__file__).parent / "models"
KNOWN = json.loads((MODELS / "answers.json").read_text())
ROWS = np.array(KNOWN["rows"], np.float32)


@pytest.mark.parametrize("name", sorted(KNOWN["answers"]))
def test_an_old_model_answers_as_ever(tmp_path: Path, name: str) -> None:
    (tmp_path / "xgboost-model").write_bytes((MODELS / name).read_bytes())
    served = model.load(tmp_path)
    np.testing.assert_allclose(served.predict(ROWS), KNOWN["answers"][name], rtol=1e-5, atol=1e-6)
    assert served.columns == 4


def test_attributes_and_rounds_are_kept() -> None:
    booster = model.read(MODELS / "1.2-forest.bin")
    assert booster.attr("note") == "mine" and booster.num_boosted_rounds() == 4
    assert model.read(MODELS / "1.7-dart.bin").num_boosted_rounds() == 4


def test_every_old_model_can_be_trained_on() -> None:
    booster = model.read(MODELS / "1.7-softprob.bin")
    data = xgb.DMatrix(ROWS, label=np.arange(12) % 3)
    more = xgb.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1}, data, 2, xgb_model=booster)
    assert more.num_boosted_rounds() == 6


BINARY = (MODELS / "1.2-forest.bin").read_bytes()


@pytest.mark.parametrize("size", [4, 100, 140, 150, 200, 400, len(BINARY) - 300])
def test_a_model_that_is_cut_off_says_so(tmp_path: Path, size: int) -> None:
    (tmp_path / "xgboost-model").write_bytes(BINARY[:size])
    with pytest.raises(
        AlgorithmError, match=r"xgboost-model holds a model in XGBoost's old binary format that cannot be"
    ):
        model.load(tmp_path)


def test_the_oldest_models_have_no_mark(tmp_path: Path) -> None:
    (tmp_path / "xgboost-model").write_bytes(BINARY.removeprefix(b"binf"))
    np.testing.assert_allclose(model.load(tmp_path).predict(ROWS), KNOWN["answers"]["1.2-forest.bin"])


def test_another_booster_is_named(tmp_path: Path) -> None:
    (tmp_path / "xgboost-model").write_bytes(BINARY.replace(b"gbtree", b"gbwood"))
    with pytest.raises(AlgorithmError, match="booster 'gbwood' is not known"):
        model.load(tmp_path)


class Holder:
    """Pickles as a Booster with that state."""

    def __init__(self, handle: bytes) -> None:
        self.handle = handle

    def __reduce__(self) -> Any:
        return xgb.Booster, (), {"handle": bytearray(self.handle)}


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (b"", "that is empty or cut off"),
        (b"{L", "that is empty or cut off"),
        (b'{"Config": {}}', "a pickled Booster that cannot be read: KeyError"),
        (b'{"Model": 7}', "is no model of XGBoost"),
        (b"CONFIG-offset:\0\0\0\0\0\0\0\0binf", "cannot be read"),
    ],
)
def test_a_pickled_booster_without_a_model_says_so(tmp_path: Path, handle: bytes, reason: str) -> None:
    (tmp_path / "xgboost-model").write_bytes(pickle.dumps(Holder(handle)))
    with pytest.raises(AlgorithmError, match=reason):
        model.load(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.integers(4, len(BINARY) - 1), st.binary(min_size=1, max_size=8))
def test_no_bytes_in_an_old_model_fail_otherwise_than_by_name(position: int, other: bytes) -> None:
    broken = BINARY[:position] + other + BINARY[position + len(other) :]
    try:
        json.loads(legacy.to_json(broken))
    except AlgorithmError as error:
        assert "old binary format" in str(error)
