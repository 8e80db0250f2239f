"""An XGBoost script as its users write it: their own training loop in the image of the algorithm."""

import argparse
import os
from pathlib import Path

import numpy as np
import xgboost

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    rows = np.loadtxt(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv", delimiter=",")
    data = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])
    params = {"objective": "multi:softmax", "num_class": 10, "eta": 0.3, "max_depth": 4}
    booster = xgboost.train(params, data, options.rounds)
    booster.save_model(Path(os.environ["SM_MODEL_DIR"]) / "xgboost-model.json")


def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(Path(model_dir) / "xgboost-model.json")
    return booster
