"""A processing job's script, on rows that the training never saw: accuracy, that of always saying the more frequent
answer, and the area under the curve of the probabilities (of rounded answers it would be another number)."""

import json
import pickle
import tarfile
from pathlib import Path

import numpy
import xgboost
from sklearn.metrics import roc_auc_score

HERE = Path("/opt/ml/processing")

with tarfile.open(HERE / "model/model.tar.gz") as archive:
    booster = pickle.load(archive.extractfile("xgboost-model"))
rows = numpy.loadtxt(HERE / "test/rows.csv", delimiter=",")
left, chance = rows[:, 0] == 1, booster.predict(xgboost.DMatrix(rows[:, 1:]))
found = {
    "accuracy": ((chance > 0.5) == left).mean(),
    "majority": max(left.mean(), 1 - left.mean()),
    "auc": roc_auc_score(left, chance),
}
report = {name: round(float(value), 4) for name, value in found.items()}
(HERE / "evaluation").mkdir(parents=True, exist_ok=True)
(HERE / "evaluation/evaluation.json").write_text(json.dumps(report))
print(report)
