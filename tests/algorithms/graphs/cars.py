"""The car evaluation pipeline: scikit-learn makes numbers of words, XGBoost answers a class, scikit-learn names it.

The data set is the one that its four tables make (UCI Car Evaluation, 1,728 rows)."""

import itertools
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import xgboost
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder

from clary.algorithms.graphs import compile as compiler
from clary.algorithms.graphs.native import Stage

NAMES = ("buying", "maint", "doors", "persons", "lug_boot", "safety")
WORDS = (
    ("vhigh", "high", "med", "low"), ("vhigh", "high", "med", "low"), ("2", "3", "4", "5more"), ("2", "4", "more"),
    ("small", "med", "big"), ("low", "med", "high"),
)  # fmt: skip
PRICE = {"vhigh": "VVHH", "high": "VHHH", "med": "HHML", "low": "HMLL"}
COMFORT = {
    "4 small": "mmmm", "4 med": "mmhh", "4 big": "hhhh", "more small": "smmm", "more med": "mhhh", "more big": "hhhh",
}  # fmt: skip
TECH = {"s": "bbb", "m": "bsg", "h": "bgv"}
CAR = {"V": "uuuu", "H": "uuaa", "M": "uaav", "L": "uagv"}
LABELS = {"u": "unacc", "a": "acc", "g": "good", "v": "vgood"}


def rows() -> list[list[str]]:
    """All 1,728 cars, in the order of the data set."""
    return [list(row) for row in itertools.product(*WORDS)]


def label(row: list[str]) -> str:
    buying, maint, doors, persons, boot, safety = row
    price = PRICE[buying][WORDS[1].index(maint)]
    comfort = COMFORT.get(f"{persons} {boot}", "ssss")[WORDS[2].index(doors)]
    tech = TECH[comfort][WORDS[5].index(safety)]
    return LABELS[CAR[price]["bsgv".index(tech)]]


def encoder(kind: str = "one-hot", **settings: Any) -> Any:
    """A fitted encoder of the six attributes."""
    made = OneHotEncoder(**settings) if kind == "one-hot" else OrdinalEncoder(**settings)
    return made.fit(np.array(rows(), object))


def booster(features: Any, labels: Any, rounds: int = 25, **settings: Any) -> Any:
    """25 rounds of 4 classes, depth 5."""
    parameters = {"objective": "multi:softmax", "num_class": 4, "max_depth": 5, "nthread": 1, "seed": 7} | settings
    return xgboost.train(parameters, xgboost.DMatrix(np.asarray(features, np.float32), labels), rounds)


def artifacts(folder: Path, kind: str = "one-hot", settings: Mapping[str, Any] | None = None) -> list[Stage]:
    """The three containers' unpacked archives below `folder`."""
    given = rows()
    first = encoder(kind, **(settings or {}))
    names = LabelEncoder().fit([label(row) for row in given])
    features = first.transform(np.array(given, object))
    dense = features.toarray() if hasattr(features, "toarray") else features
    model = booster(dense, names.transform([label(row) for row in given]))
    return store(folder, first, model, names)


def store(folder: Path, *models: Any) -> list[Stage]:
    """One stage for each: a Booster of the XGBoost image, anything else of scikit-learn's."""
    made = []
    for at, model in enumerate(models):
        place = folder / str(at)
        place.mkdir(parents=True)
        if isinstance(model, xgboost.Booster):
            (place / "xgboost-model").write_bytes(pickle.dumps(model))
            made.append(Stage("xgboost", place, {}))
        else:
            joblib.dump(model, place / "model.joblib")
            made.append(Stage("scikit-learn", place, {}))
    return made


def stages(folder: Path) -> list[Stage]:
    """The three containers of what `compiled` made below `folder`."""
    images = ("scikit-learn", "xgboost", "scikit-learn")
    return [Stage(image, folder / "model" / str(at), {}) for at, image in enumerate(images)]


def compiled(folder: Path, kind: str = "one-hot") -> Path:
    """The directory of the compiled pipeline, whose artifacts stand beside it. Raises RuntimeError with the refusal."""
    return made(folder, artifacts(folder / "model", kind))


def made(folder: Path, containers: list[Stage], given: list[list[str]] | None = None) -> Path:
    """What the compiler, started as a command would start it, makes of the stages."""
    config, output = folder / "compile.json", folder / "output"
    if given is not None:
        (folder / "rows.csv").write_text("".join(",".join(row) + "\n" for row in given))
    asked = {
        "stages": [
            {"image": one.image, "model": str(one.folder), "environment": dict(one.environ)} for one in containers
        ],
        "rows": str(folder / "rows.csv") if given is not None else None,
    }
    config.write_text(json.dumps(asked))
    assert compiler.main([str(config), str(output)]) == 0
    if not (output / "graph").is_dir():
        raise RuntimeError(json.loads((output / "refused.json").read_text())["why"])
    return output / "graph"
