"""Rows in the form of the abalone data set: sex, seven sizes, rings; the rings follow the sizes, with some noise."""

import random


def snails(count: int, seed: int = 1) -> str:
    """CSV without a heading, as the published file."""
    random.seed(seed)
    rows = []
    for _ in range(count):
        size = random.uniform(0.1, 0.8)
        sizes = [round(size * part * random.uniform(0.95, 1.05), 4) for part in (1, 0.8, 0.3, 1.5, 0.6, 0.3, 0.4)]
        rows.append([random.choice("MFI"), *sizes, round(3 + 15 * size + random.gauss(0, 1))])
    return "".join(",".join(map(str, row)) + "\n" for row in rows)
