"""A trained model as the server holds it: loaded from /opt/ml/model, whatever way it was saved."""

import io
import json
import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.xgboost import legacy
from clary.algorithms.xgboost.direct import Direct
from clary.algorithms.xgboost.engine import xgb

NATIVE = (".json", ".ubj", ".bst", ".model", ".bin", ".deprecated")


class Predictor(Protocol):
    """What the server must know of a model, and how to ask it."""

    @property
    def booster(self) -> Any: ...
    @property
    def columns(self) -> int: ...
    @property
    def objective(self) -> str: ...
    @property
    def classes(self) -> int:
        """0 but for multi-class objectives."""
        ...

    def predict(self, features: Any, *, margin: bool = False) -> Any:
        """One score a row, or one row of scores; safe in several threads. `margin`: the objective's transformation is
        left out."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """A Booster and what must be known to ask it."""

    booster: Any
    columns: int
    objective: str
    classes: int
    rounds: tuple[int, int]
    """The rounds that count, as XGBoost's iteration_range; (0, 0) is all."""
    linear: bool
    direct: Direct

    def predict(self, features: Any, *, margin: bool = False) -> Any:
        if self.linear:
            return self.booster.predict(xgb.DMatrix(features, nthread=1), output_margin=margin, validate_features=False)
        if isinstance(features, np.ndarray):
            return self.direct.predict(features, margin=margin)
        return self.booster.inplace_predict(
            features,
            iteration_range=self.rounds,
            predict_type="margin" if margin else "value",
            validate_features=False,
        )


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The models of a cross-validation: the mean of what they say, or, where that is a class, what most of them say."""

    members: tuple[Single, ...]

    @property
    def booster(self) -> Any:
        raise AlgorithmError("the model directory holds the models of a cross-validation, not one Booster")

    @property
    def columns(self) -> int:
        return self.members[0].columns

    @property
    def objective(self) -> str:
        return self.members[0].objective

    @property
    def classes(self) -> int:
        return self.members[0].classes

    def predict(self, features: Any, *, margin: bool = False) -> Any:
        said = np.array([one.predict(features, margin=margin) for one in self.members])
        if self.objective not in VOTING or margin:
            return said.mean(axis=0, dtype=np.float64).astype(np.float32)
        names = np.unique(said)
        votes = np.array([(said == name).sum(axis=0) for name in names])
        return names[votes.argmax(axis=0)]


VOTING = ("multi:softmax", "binary:hinge")
"""Objectives that answer a class, which has no mean."""


def load(folder: Path) -> Predictor:
    """The model of that folder: a pickled Booster or a file that XGBoost itself saved, or one of each fold of a
    cross-validation. Raises AlgorithmError that says what stands there and why it does not load."""
    members = tuple(_single(one) for one in files(folder))
    if len(members) == 1:
        return members[0]
    for name in ("columns", "objective", "classes"):
        if len({getattr(one, name) for one in members}) > 1:
            raise AlgorithmError(f"the models in {folder} do not belong together: they differ in their {name}")
    return Ensemble(members)


def _single(path: Path) -> Single:
    booster = read(path)
    # One thread a request: requests run beside each other, and for few rows starting threads costs more than the model.
    booster.set_param({"nthread": 1})
    learner = json.loads(booster.save_config())["learner"]
    best = booster.attr("best_iteration")
    rounds = (0, int(best) + 1) if best is not None else (0, 0)
    return Single(
        booster,
        columns=booster.num_features(),
        objective=learner["objective"]["name"],
        classes=int(learner["learner_model_param"].get("num_class") or 0),
        rounds=rounds,
        linear=learner["gradient_booster"]["name"] == "gblinear",
        direct=Direct(booster, rounds),
    )


def read(path: Path) -> Any:
    """The Booster in that file, however it was saved. Raises AlgorithmError."""
    return _native(path) if path.suffix in NATIVE else _any(path)


def files(folder: Path) -> list[Path]:
    """The file of the model in that folder, or those of the models of all folds. Raises AlgorithmError."""
    found = (
        sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
        if folder.is_dir()
        else []
    )
    for one in found:
        if one.name == "xgboost-model":
            return [one]
    folds = [(int(match[1]), one) for one in found if (match := re.fullmatch(r"xgboost-model-(\d+)", one.name))]
    if folds:
        return [one for _, one in sorted(folds)]
    if len(found) == 1:
        return found
    names = ", ".join(one.name for one in found[:5]) or "nothing"
    raise AlgorithmError(f"{folder} must hold one file xgboost-model, or one model file of any name; it holds {names}")


def _any(path: Path) -> Any:
    raw = path.read_bytes()
    if not raw.startswith(PICKLE):
        return _native(path)
    try:
        found = _Unpickler(io.BytesIO(raw)).load()
    except Exception as error:
        raise AlgorithmError(f"{path.name} is neither a pickled Booster ({error}) nor a model file") from None
    if isinstance(found, xgb.Booster):
        return found  # what was pickled is something that makes one
    if not isinstance(found, _Pickled):
        raise AlgorithmError(f"{path.name} holds a pickled {type(found).__name__}, not an xgboost.Booster")
    return found.booster(path.name)


PICKLE = b"\x80"


class _Pickled:
    """What stands in a pickle for a Booster: its state, which is looked at before XGBoost is."""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def booster(self, name: str) -> Any:
        raw = bytes(self.state.get("handle") or b"")
        if legacy.is_legacy(raw):
            return _from_legacy(raw, name)
        if not (raw.startswith(b"{") and raw.endswith(b"}")):
            raise AlgorithmError(f"{name} holds a pickled Booster that is empty or cut off")
        if raw.startswith(b'{"'):
            return _load(legacy.of_snapshot(raw), name)
        made = xgb.Booster()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XGBoost's advice to save models otherwise, whenever a pickle is older
            try:
                made.__setstate__(self.state)
            except xgb.core.XGBoostError as error:
                raise AlgorithmError(
                    f"{name} holds a pickled Booster that XGBoost does not take: {_why(error)}"
                ) from None
        return made


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _Pickled if (module, name) == ("xgboost.core", "Booster") else super().find_class(module, name)


def _native(path: Path) -> Any:
    # From bytes, since XGBoost takes the format from a file's ending and the usual name has none.
    raw = path.read_bytes()
    if legacy.is_legacy(raw):
        return _from_legacy(raw, path.name)
    raw = raw.strip()
    if not (raw.startswith(b"{") and raw.endswith(b"}")):
        # XGBoost aborts the process on an empty file, and never returns from some that are cut off.
        raise AlgorithmError(f"{path.name} is neither a pickled Booster nor a model file, or it is cut off")
    return _load(raw, path.name)


def _from_legacy(raw: bytes, name: str) -> Any:
    try:
        return _load(legacy.to_json(raw), name)
    except AlgorithmError as error:
        raise AlgorithmError(f"{name} holds {error}") from None


def _load(raw: bytes, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XGBoost's word that the version is an old one
            return xgb.Booster(model_file=bytearray(raw))
    except xgb.core.XGBoostError as error:
        raise AlgorithmError(f"{name} is no model of XGBoost: {_why(error)}") from None


def _why(error: Exception) -> str:
    return str(error).partition("Stack trace")[0].strip()
