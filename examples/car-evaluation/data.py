"""The car-evaluation data, from the decision tables that its labels decompose into.

Bohanec's Car Evaluation set (UCI, CC BY 4.0) is the full factorial of six attributes, labelled by a hierarchy of four
small tables. The tables below give back its 1,728 rows byte for byte, so the product carries them and not the file,
and every possible request to the demo's endpoint has a known answer.
"""

from collections.abc import Iterator
from itertools import product

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "buying": ("vhigh", "high", "med", "low"),
    "maint": ("vhigh", "high", "med", "low"),
    "doors": ("2", "3", "4", "5more"),
    "persons": ("2", "4", "more"),
    "lug_boot": ("small", "med", "big"),
    "safety": ("low", "med", "high"),
}
CLASSES = ("unacc", "acc", "good", "vgood")

# Each string is read along the second attribute, in the order of ATTRIBUTES.
_PRICE = {"vhigh": "VVHH", "high": "VHHH", "med": "HHML", "low": "HMLL"}
_COMFORT = {
    ("4", "small"): "mmmm",
    ("4", "med"): "mmhh",
    ("4", "big"): "hhhh",
    ("more", "small"): "smmm",
    ("more", "med"): "mhhh",
    ("more", "big"): "hhhh",
}
_TECHNICAL = {"s": "bbb", "m": "bsg", "h": "bgv"}
_CAR = {"V": "uuuu", "H": "uuaa", "M": "uaav", "L": "uagv"}
_LABEL = dict(zip("uagv", CLASSES, strict=True))


def label(row: tuple[str, ...]) -> str:
    """What the car of these six attributes is: one of CLASSES."""
    buying, maint, doors, persons, lug_boot, safety = row
    price = _PRICE[buying][ATTRIBUTES["maint"].index(maint)]
    comfort = "s" if persons == "2" else _COMFORT[persons, lug_boot][ATTRIBUTES["doors"].index(doors)]
    technical = _TECHNICAL[comfort][ATTRIBUTES["safety"].index(safety)]
    return _LABEL[_CAR[price]["bsgv".index(technical)]]


def rows() -> Iterator[tuple[str, ...]]:
    """All 1,728 cars, in the order of the published file."""
    return product(*ATTRIBUTES.values())


def csv() -> str:
    """The published file: six attributes and the label a line, no header."""
    return "".join(f"{','.join(row)},{label(row)}\n" for row in rows())


if __name__ == "__main__":
    print(csv(), end="")
