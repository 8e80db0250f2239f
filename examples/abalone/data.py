"""Snails that never lived, in the form of UCI's Abalone data: sex, seven measures, rings (the age less 1.5 years).

`python data.py > abalone.csv`. A snail grows towards a length of its own, a weight goes with the length to the third
power, and a snail without a sex is a young one. The rings cannot be read off exactly, as in the published data: a good
model is off by some two rings.
"""

import math
import random

ROWS = 4177
"""As many as the published file has."""


def snails(seed: int = 1, rows: int = ROWS) -> str:
    """CSV without a heading, the same for the same seed: sex M, F or I; mm / 200; g; rings."""
    chance = random.Random(seed)
    return "".join(",".join(map(str, _snail(chance))) + "\n" for _ in range(rows))


def _snail(chance: random.Random) -> tuple[str | float, ...]:
    rings = max(1, min(29, round(chance.lognormvariate(2.24, 0.32))))
    full_grown = chance.gauss(0.66, 0.05)
    length = min(0.82, full_grown * (1 - math.exp(-0.19 * (rings + 0.5))) * chance.gauss(1, 0.035))
    whole = 6.3 * length**3 * chance.gauss(1, 0.09)
    shell = whole * (0.235 + 0.005 * rings) * chance.gauss(1, 0.13)
    shucked = whole * (0.49 - 0.006 * rings) * chance.gauss(1, 0.13)
    viscera = whole * 0.22 * chance.gauss(1, 0.1)
    young = chance.random() < 1 / (1 + math.exp(0.8 * (rings - 7.5)))
    sex = "I" if young else chance.choice("MF")
    measures = (length, length * chance.gauss(0.785, 0.015), length * chance.gauss(0.265, 0.02), whole, shucked)
    return (sex, *(round(one, 4) for one in (*measures, viscera, shell)), rings)


if __name__ == "__main__":
    print(snails(), end="")
