"""Splits the rows of the input into train, validation and test."""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--share", type=float, default=0.6)
given = parser.parse_args()
top = Path("/opt/ml/processing")
rows = [line for file in sorted((top / "input/raw").glob("*.csv")) for line in file.read_text().split()]
first = int(len(rows) * given.share)
second = first + (len(rows) - first) // 2
for name, part in (("train", rows[:first]), ("validation", rows[first:second]), ("test", rows[second:])):
    (top / name).mkdir(parents=True, exist_ok=True)
    (top / name / f"{name}.csv").write_text("\n".join(part) + "\n")
print(f"prepared {len(rows)} rows")
