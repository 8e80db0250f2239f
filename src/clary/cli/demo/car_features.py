"""The demo's processing script: raw cars in, numbers out. It runs inside a processing job and knows nothing of Clary.

Reads   /opt/ml/processing/input/raw/*.csv: six attributes and the label a line, no header.
Writes  /opt/ml/processing/output/{train,validation,holdout}/*.csv: label first, then one ordinal code an attribute,
        /opt/ml/processing/output/encoding/encoding.json: the codes, for whoever sends requests.
"""

import argparse
import json
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OrdinalEncoder

HERE = Path("/opt/ml/processing")
COLUMNS = ["buying", "maint", "doors", "persons", "lug_boot", "safety", "label"]
CODES = [
    ["low", "med", "high", "vhigh"],
    ["low", "med", "high", "vhigh"],
    ["2", "3", "4", "5more"],
    ["2", "4", "more"],
    ["small", "med", "big"],
    ["low", "med", "high"],
    ["unacc", "acc", "good", "vgood"],
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--holdout", type=float, default=0.2)
    parser.add_argument("--validation", type=float, default=0.1)
    asked = parser.parse_args()

    files = sorted((HERE / "input/raw").glob("*.csv"))
    raw = pd.concat(pd.read_csv(one, header=None, names=COLUMNS, dtype=str) for one in files)
    encoder = OrdinalEncoder(categories=CODES).fit(raw)
    coded = pd.DataFrame(encoder.transform(raw), columns=COLUMNS).astype(int)
    coded = coded[["label", *COLUMNS[:-1]]]
    print(f"read {len(raw)} rows of {len(files)} file(s): {raw['label'].value_counts().to_dict()}")

    rest, holdout = train_test_split(coded, test_size=asked.holdout, random_state=asked.seed, stratify=coded["label"])
    train, validation = train_test_split(
        rest, test_size=asked.validation, random_state=asked.seed, stratify=rest["label"]
    )
    for name, part in (("train", train), ("validation", validation), ("holdout", holdout)):
        folder = HERE / "output" / name
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / f"{name}.csv", header=False, index=False)
        print(f"wrote {len(part)} rows to {name}")
    folder = HERE / "output/encoding"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoding.json").write_text(json.dumps(dict(zip(COLUMNS, CODES, strict=True))))


if __name__ == "__main__":
    main()
