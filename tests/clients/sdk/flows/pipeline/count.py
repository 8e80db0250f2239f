"""Counts the rows of a file that must be there."""

from pathlib import Path

source = next(Path("/opt/ml/processing/input/given").glob("*.csv"))
rows = source.read_text().split()
if "unfit" in rows:
    raise SystemExit("the rows are unfit")
place = Path("/opt/ml/processing/counted")
place.mkdir(parents=True, exist_ok=True)
(place / "count.txt").write_text(str(len(rows)))
