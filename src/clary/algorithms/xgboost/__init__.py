"""AWS's built-in XGBoost: `python -m clary.algorithms.xgboost train|serve`."""
