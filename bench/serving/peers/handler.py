"""The model as its users would load it: a frame of strings, the encoder, the booster, the names of the classes."""

import os
from pathlib import Path

import joblib
import pandas as pd
import xgboost

NAMES = ["buying", "maint", "doors", "persons", "lug_boot", "safety"]


class Cars:
    def __init__(self) -> None:
        place = Path(os.environ["MODELS"])
        self._encoder = joblib.load(place / "encoder.joblib")
        self._names = joblib.load(place / "names.joblib")
        self._booster = xgboost.Booster({"nthread": 1}, model_file=str(place / "booster.json"))

    def labels(self, rows: list[list[str]]) -> list[str]:
        frame = pd.DataFrame(rows, columns=NAMES)
        encoded = self._encoder.transform(frame.to_numpy(object))
        dense = encoded.toarray() if hasattr(encoded, "toarray") else encoded
        classes = self._booster.predict(xgboost.DMatrix(dense)).astype(int)
        return [str(one) for one in self._names.inverse_transform(classes)]
