"""Which of the models, and at which threshold: the criterion that the job names, and the metrics of the one chosen."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.linear_learner.hyperparameters import Hyperparameters
from clary.algorithms.linear_learner.losses import sigmoid, softmax

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def threshold(scores: Floats, labels: Floats, wanted: Hyperparameters) -> tuple[float, float]:
    """(how good, cut): the cut among these scores that serves the criterion best; more is better. Scores above the cut
    are class 1. A target that no cut reaches is approached as far as possible."""
    order = np.argsort(-scores, kind="stable")
    ranked, true = scores[order].astype(np.float64), labels[order] > 0.5
    # A cut can only stand between two different scores; 0 picks nobody, the last one everybody.
    ends = np.concatenate(([0], np.flatnonzero(np.diff(ranked)) + 1, [len(ranked)]))
    hits = np.concatenate(([0], np.cumsum(true)))[ends].astype(np.float64)
    picked, positives = ends.astype(np.float64), float(true.sum())
    value = _values(hits, picked, positives, len(ranked), wanted)
    best = int(np.argmax(value))
    cut = ends[best]
    if cut == 0:
        return float(value[best]), float(ranked[0])
    if cut == len(ranked):
        return float(value[best]), float(np.nextafter(ranked[-1], -np.inf))
    return float(value[best]), float((ranked[cut - 1] + ranked[cut]) / 2)


def _values(hits: Doubles, picked: Doubles, positives: float, count: int, wanted: Hyperparameters) -> Doubles:
    precision = np.divide(hits, picked, out=np.ones_like(hits), where=picked > 0)
    recall = hits / positives if positives else np.ones_like(hits)
    value: Doubles
    match wanted["binary_classifier_model_selection_criteria"]:
        case "f1":
            return _f(hits, picked, positives, 1.0)
        case "f_beta":
            return _f(hits, picked, positives, wanted["f_beta"])
        case "precision_at_target_recall":
            target = wanted["target_recall"]
            value = np.where(recall >= target, 1 + precision, recall)
        case "recall_at_target_precision":
            target = wanted["target_precision"]
            value = np.where((precision >= target) & (picked > 0), 1 + recall, precision * (picked > 0))
        case _:
            value = 1 - ((picked - hits) + (positives - hits)) / max(1, count)
    return value


def _f(hits: Any, picked: Any, positives: Any, beta: float) -> Doubles:
    below = np.asarray(beta**2 * positives + picked, np.float64)
    found: Doubles = np.divide((1 + beta**2) * hits, below, out=np.zeros_like(below), where=below > 0)
    return found


def binary_metrics(
    scores: Floats, labels: Floats, cut: float, wanted: Hyperparameters
) -> Iterator[tuple[str, str, float]]:
    """(name, better, value) of the metrics of a binary classifier; `scores` are raw, `cut` is among them."""
    true, chosen = labels > 0.5, scores > cut
    hits, picked, positives = float((true & chosen).sum()), float(chosen.sum()), float(true.sum())
    if wanted.loss == "logistic":
        yield (
            "binary_classification_cross_entropy",
            "loss",
            float(np.logaddexp(0, np.where(true, -scores, scores)).mean()),
        )
    yield "binary_classification_accuracy", "score", float((true == chosen).mean())
    f = float(_f(np.array(hits), np.array(picked), np.array(positives), wanted["f_beta"]))
    yield f"binary_f_{wanted['f_beta']:.3f}", "score", f
    yield "precision", "score", hits / picked if picked else 0.0
    yield "recall", "score", hits / positives if positives else 0.0
    if 0 < positives < len(true):
        yield "roc_auc_score", "score", _auc(scores, true)


def _auc(scores: Floats, true: NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    ranks, positives = rankdata(scores), float(true.sum())
    return float((ranks[true].sum() - positives * (positives + 1) / 2) / (positives * (len(true) - positives)))


def multiclass_metrics(scores: Floats, labels: Floats, wanted: Hyperparameters) -> Iterator[tuple[str, str, float]]:
    """Of a classifier of many classes; `scores` (rows, classes) are raw."""
    true = labels.astype(np.int64)
    rows = np.arange(len(true))
    chosen = scores.argmax(axis=1)
    place = (scores > scores[rows, true][:, None]).sum(axis=1)
    yield "multiclass_accuracy", "score", float((chosen == true).mean())
    top = wanted["accuracy_top_k"]
    yield f"multiclass_top_k_accuracy_{top}", "score", float((place < top).mean())
    yield "dcg", "score", float((1 / np.log2(place + 2)).mean())
    counts = [np.bincount(one, minlength=wanted.outputs).astype(float) for one in (true, chosen, true[chosen == true])]
    real, picked, hits = (one[counts[0] > 0] for one in counts)
    recall = hits / real
    precision = np.divide(hits, picked, out=np.zeros_like(hits), where=picked > 0)
    yield "macro_recall", "score", float(recall.mean())
    yield "macro_precision", "score", float(precision.mean())
    yield f"macro_f_{wanted['f_beta']:.3f}", "score", float(_f(hits, picked, real, wanted["f_beta"]).mean())
    yield "multiclass_balanced_accuracy", "score", float(recall.mean())
    shares = softmax(scores)[rows, true]
    yield "multiclass_log_loss", "loss", float(-np.log(np.maximum(shares, 1e-30)).mean())


def regression_metrics(scores: Floats, labels: Floats) -> Iterator[tuple[str, str, float]]:
    off = scores.astype(np.float64) - labels
    mse, spread = float((off**2).mean()), float(labels.astype(np.float64).var())
    yield "mse", "loss", mse
    yield "rmse", "loss", float(np.sqrt(mse))
    yield "absolute_loss", "loss", float(np.abs(off).mean())
    if spread:
        yield "r2", "score", 1 - mse / spread


def shown(cut: float, loss: str) -> float:
    """The threshold in terms of the score that is answered: a probability for logistic models."""
    return float(sigmoid(np.array(cut, np.float32))) if loss == "logistic" else cut
