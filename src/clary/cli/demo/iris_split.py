"""The demo's processing script: Fisher's iris, as it ships with scikit-learn, in the lab's split. It runs inside a
processing job and knows nothing of Clary.

Writes  /opt/ml/processing/output/{train,validation,all}/*.csv: the class (0, 1, 2) first, then four lengths in cm.
"""

from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

OUTPUT = Path("/opt/ml/processing/output")


def main() -> None:
    iris = load_iris()
    rows = [
        ",".join([str(label), *(f"{value:g}" for value in flower)])
        for label, flower in zip(iris.target, iris.data, strict=True)
    ]
    train, validation = train_test_split(rows, test_size=0.33, random_state=42, stratify=iris.target)
    for name, part in (("train", train), ("validation", validation), ("all", rows)):
        folder = OUTPUT / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.csv").write_text("".join(f"{row}\n" for row in part))
        print(f"wrote {len(part)} flowers to {name}")


if __name__ == "__main__":
    main()
