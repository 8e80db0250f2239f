"""The squared error of the model on the test rows, as the report that AWS's abalone example writes."""

import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import xgboost

top = Path("/opt/ml/processing")
with tarfile.open(top / "model/model.tar.gz") as archive:
    model = pickle.load(archive.extractfile("xgboost-model"))
table = np.loadtxt(top / "test/test.csv", delimiter=",", ndmin=2)
wrong = table[:, 0] - model.predict(xgboost.DMatrix(table[:, 1:]))
report = {"regression_metrics": {"mse": {"value": float((wrong**2).mean()), "standard_deviation": float(wrong.std())}}}
(top / "evaluation").mkdir(parents=True, exist_ok=True)
(top / "evaluation/evaluation.json").write_text(json.dumps(report))
print("evaluated", report)
