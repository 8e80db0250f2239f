"""A processing job's script: the rings first, then M, F, I as 0 or 1, then the measures; 70, 15, 15 % of the rows."""

import csv
import random
from pathlib import Path

HERE = Path("/opt/ml/processing")

with next((HERE / "input/raw").iterdir()).open() as file:
    rows = [[rings, *(int(sex == one) for one in "MFI"), *sizes] for sex, *sizes, rings in csv.reader(file)]
random.Random(42).shuffle(rows)
first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
for name, part in (("train", rows[:first]), ("validation", rows[first:second]), ("test", rows[second:])):
    (HERE / name).mkdir(parents=True, exist_ok=True)
    with (HERE / name / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(part)
    print(f"wrote {len(part)} rows to {name}")
