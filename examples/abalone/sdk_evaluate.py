"""A processing job's script: the squared error on rows that the training never saw."""

import json
import pickle
import tarfile
from pathlib import Path

import numpy
import xgboost

HERE = Path("/opt/ml/processing")

with tarfile.open(HERE / "model/model.tar.gz") as archive:
    booster = pickle.load(archive.extractfile("xgboost-model"))
rows = numpy.loadtxt(HERE / "test/rows.csv", delimiter=",")
wrong = rows[:, 0] - booster.predict(xgboost.DMatrix(rows[:, 1:]))
error = {"value": float((wrong**2).mean()), "standard_deviation": float(wrong.std())}
report = {"regression_metrics": {"mse": error, "mse_of_the_mean": {"value": float(rows[:, 0].var())}}}
(HERE / "evaluation").mkdir(parents=True, exist_ok=True)
(HERE / "evaluation/evaluation.json").write_text(json.dumps(report))
print(report)
