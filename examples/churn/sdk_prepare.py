"""A processing job's script: whether they left first, then the numbers, then each kind of a column of words as 0 or 1;
70, 15 and 15 % of the rows."""

import csv
import random
from pathlib import Path

HERE = Path("/opt/ml/processing")
KINDS = ("State", "Area Code", "Int'l Plan", "VMail Plan")
LEFT_OUT = ("Phone", "Churn?")

with next((HERE / "input/raw").iterdir()).open(newline="") as file:
    table = list(csv.DictReader(file))
kinds = {name: sorted({one[name] for one in table}) for name in KINDS}
numbers = [name for name in table[0] if name not in (*KINDS, *LEFT_OUT)]
rows = [
    [
        int(one["Churn?"] == "True."),
        *(one[name] for name in numbers),
        *(int(one[name] == kind) for name in KINDS for kind in kinds[name]),
    ]
    for one in table
]
random.Random(42).shuffle(rows)
first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
for name, part in (("train", rows[:first]), ("validation", rows[first:second]), ("test", rows[second:])):
    (HERE / name).mkdir(parents=True, exist_ok=True)
    with (HERE / name / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(part)
    print(f"wrote {len(part)} rows to {name}")
