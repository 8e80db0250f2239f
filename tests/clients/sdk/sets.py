"""Published data sets as the SDK's flows upload them, and how well a model must know the rows that were held back.

Iris comes with scikit-learn; churn and abalone lie beside the repository or are left out.
"""

import pickle
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from tests.algorithms.conftest import DATA
from tests.algorithms.test_quality import Row, abalones, churners, lines, split
from tests.clients.sdk.house import House

FILES = {"churn": DATA / "churn/churn.csv", "abalone": DATA / "abalone/abalone.data"}
ABSENT = [name for name, file in FILES.items() if not file.exists()]


class Sets:
    """A folder a data set: `train.csv` and `validation.csv`, the label first; of iris also `iris.data` as published."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._write("iris", *self._irises())
        if "churn" not in ABSENT:
            self._write("churn", *split(churners(FILES["churn"]), 0.1, 1729))
        if "abalone" not in ABSENT:
            self._write("abalone", *split(abalones(FILES["abalone"]), 0.15, 42))

    def held(self, name: str) -> list[Row]:
        rows = (self.place / name / "validation.csv").read_text().split()
        return [[float(cell) for cell in row.split(",")] for row in rows]

    def holds_the_bar(self, name: str, said: Sequence[float]) -> None:
        """Passes if these answers for the held rows are as good as published models are."""
        from sklearn.metrics import roc_auc_score

        labels, answers = np.array([row[0] for row in self.held(name)]), np.array(said)
        assert labels.shape == answers.shape
        match name:
            case "iris":
                assert float((labels == answers).mean()) >= 0.88
            case "churn":
                assert float((labels == answers.round()).mean()) >= 0.91
                assert roc_auc_score(labels, answers) >= 0.965
            case "abalone":
                assert float(((labels - answers) ** 2).mean()) <= 6.0
            case _:
                raise ValueError(f"no bar for {name}")

    def model_holds_the_bar(self, name: str, house: House, artifact: str) -> None:
        """The same of the model.tar.gz at this URI, asked here, where XGBoost is installed and the SDK is not."""
        import xgboost

        bucket, _, key = artifact.removeprefix("s3://").partition("/")
        archive = house.clary.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=BytesIO(archive)) as members:
            model = members.extractfile("xgboost-model")
            assert model is not None
            booster = pickle.load(model)
        rows = np.array([row[1:] for row in self.held(name)])
        self.holds_the_bar(name, booster.predict(xgboost.DMatrix(rows)).tolist())

    def _irises(self) -> tuple[list[Row], list[Row]]:
        """The split of the workshop: 100 rows to learn, 50 held."""
        from sklearn.datasets import load_iris
        from sklearn.model_selection import train_test_split

        known = load_iris()
        published = (
            ",".join(f"{one:g}" for one in row) + f",Iris-{known.target_names[label]}\n"
            for row, label in zip(known.data, known.target, strict=True)
        )
        (self.place / "iris").mkdir()
        (self.place / "iris/iris.data").write_text("".join(published))
        rows = np.column_stack([known.target, known.data]).tolist()
        learned, held = train_test_split(rows, test_size=0.33, random_state=42, stratify=known.target)
        return learned, held

    def _write(self, name: str, learned: list[Row], held: list[Row]) -> None:
        (self.place / name).mkdir(exist_ok=True)
        (self.place / name / "train.csv").write_text(lines(learned))
        (self.place / name / "validation.csv").write_text(lines(held))
