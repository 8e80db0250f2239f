"""Channel `model`: an earlier model to go on from, as a training job left it or as a file of its own."""

import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clary.algorithms.contract import AlgorithmError, ClientError
from clary.algorithms.xgboost import model


@dataclass(frozen=True, slots=True)
class Existing:
    raw: bytes
    """UBJSON."""
    rounds: int


def load(folder: Path) -> Existing:
    """The one model of the channel: model.tar.gz with one inside, or the file itself. Raises ClientError."""
    try:
        archives = sorted(folder.rglob("*.tar.gz"))
        if archives:
            return _archive(archives[0])
        return _read(folder)
    except (AlgorithmError, tarfile.TarError, OSError) as error:
        raise ClientError(f"Channel model holds no model of XGBoost: {error}.") from None


def _archive(path: Path) -> Existing:
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
        return _read(Path(folder))


def _read(folder: Path) -> Existing:
    booster = model.read(model.files(folder)[0])
    booster.set_attr(best_iteration=None, best_score=None)  # they are of a training that has ended
    return Existing(bytes(booster.save_raw("ubj")), booster.num_boosted_rounds())


def check_update(given: Existing, rounds: int) -> None:
    if rounds > given.rounds:
        raise ClientError(
            f"Hyperparameter num_round: process_type update changes the trees of {rounds} rounds, "
            f"but the existing model has {given.rounds}."
        )
