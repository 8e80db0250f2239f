"""Answers with the sum that the model's archive knows of."""

import json
from pathlib import Path


def model_fn(directory):
    return json.loads((Path(directory) / "sum.json").read_text())


def predict_fn(data, model):
    return [[float(model["sum"])]]
