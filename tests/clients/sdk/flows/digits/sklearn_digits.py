"""A scikit-learn script as its users write it: trains on digits, and serves what it trained."""

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
import tinything
from sklearn.svm import SVC

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--gamma", type=float)
    parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
    options = parser.parse_args()
    rows = np.loadtxt(Path(options.train) / "train.csv", delimiter=",")
    model = SVC(gamma=options.gamma).fit(rows[:, 1:], rows[:, 0])
    joblib.dump(model, Path(options.model_dir) / "model.joblib")
    print(f"rows={len(rows)}; tiny={tinything.VALUE}; score={model.score(rows[:, 1:], rows[:, 0])};")


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")
