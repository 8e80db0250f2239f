"""Metric definitions of the linear learner, k-means and factorization machines: AWS's names of what their logs tell."""

from clary.kernel.resource import Doc

_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def _final(data: str, name: str, line: str, better: str) -> Doc:
    """Told once, of the model that is kept."""
    return {"Name": f"{data}:{name}", "Regex": rf"#quality_metric: host=\S+, {data} {line} <{better}>={_NUMBER}"}


def _epochs(data: str, name: str, line: str, better: str) -> Doc:
    """Told after each epoch."""
    return {
        "Name": f"{data}:{name}",
        "Regex": rf"#quality_metric: host=\S+, epoch=\d+, {data} {line} <{better}>={_NUMBER}",
    }


_SCORES = {
    "binary_classification_accuracy": "binary_classification_accuracy",
    "binary_f_beta": r"binary_f_[0-9.]+",
    "precision": "precision",
    "recall": "recall",
    "roc_auc_score": "roc_auc_score",
    "multiclass_accuracy": "multiclass_accuracy",
    "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\d+",
    "dcg": "dcg",
    "macro_recall": "macro_recall",
    "macro_precision": "macro_precision",
    "macro_f_beta": r"macro_f_[0-9.]+",
}
_LOSSES = {"objective_loss": r"\w+_objective", "mse": "mse", "rmse": "rmse", "absolute_loss": "absolute_loss"}

LINEAR_LEARNER: tuple[Doc, ...] = (
    _epochs("train", "objective_loss", r"\w+_objective", "loss"),
    *(_final(data, name, line, "loss") for data in ("validation", "test") for name, line in _LOSSES.items()),
    *(_final(data, name, line, "score") for data in ("validation", "test") for name, line in _SCORES.items()),
)
K_MEANS: tuple[Doc, ...] = tuple(
    _final(data, name, name, "loss") for data in ("train", "test") for name in ("msd", "ssd")
)
FACTORIZATION_MACHINES: tuple[Doc, ...] = (
    *(
        definition(data, name, name, "loss")
        for data, definition in (("train", _epochs), ("test", _final))
        for name in ("rmse", "mse", "binary_classification_cross_entropy")
    ),
    *(
        _final(data, name, line, "score")
        for data in ("train", "test")
        for name, line in (
            ("binary_classification_accuracy", "binary_classification_accuracy"),
            ("binary_f_beta", r"binary_f_[0-9.]+"),
        )
    ),
)
