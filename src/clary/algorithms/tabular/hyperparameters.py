"""Hyperparameters by a table of names: strings in, checked values with AWS's defaults out, mistakes named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clary.algorithms.contract import ClientError
from clary.algorithms.kinds import Kind, extraneous, wrong


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false, in whatever case a client writes them."""

    def parse(self, name: str, text: str) -> bool:
        if text.lower() not in ("true", "false"):
            wrong(name, text, "one of true, false")
        return text.lower() == "true"


@dataclass(frozen=True, slots=True)
class Or:
    """A word of its own meaning, or else a value of that kind. A word is read as None when `word` is "auto"."""

    words: tuple[str, ...]
    kind: Kind

    def parse(self, name: str, text: str) -> Any:
        if text in self.words:
            return None if text == "auto" else text
        try:
            return self.kind.parse(name, text)
        except ClientError as error:
            raise ClientError(f"{str(error).removesuffix('.')}, or {' or '.join(self.words)}.") from None


@dataclass(frozen=True, slots=True)
class Words:
    """A JSON list of words, each one of these."""

    values: tuple[str, ...]

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        try:
            found = json.loads(text.replace("'", '"'))
        except ValueError:
            found = [one.strip() for one in text.strip("[]").split(",")]
        if isinstance(found, str):
            found = [found]
        if not isinstance(found, list) or not found or any(one not in self.values for one in found):
            wrong(name, text, f"a JSON list of {', '.join(self.values)}")
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Known:
    """A hyperparameter: what it takes and what it is when nobody says."""

    kind: Kind
    default: Any = None
    required: bool = False


AUTO = ("auto",)
IGNORED = ("force_dense",)
"""Accepted without effect: how AWS's containers store rows."""


def read(algorithm: str, known: Mapping[str, Known], given: Mapping[str, str]) -> dict[str, Any]:
    """Every hyperparameter of the table, by name. Raises ClientError that names the first wrong, missing or unknown one
    and what is allowed. Names that begin with an underscore steer AWS's containers and mean nothing here, but
    _tuning_objective_metric, which is kept."""
    values = {name: one.default for name, one in known.items()}
    plain = {name.strip(): text.strip() for name, text in given.items()}
    missing = [name for name, one in known.items() if one.required and name not in plain]
    for name, text in plain.items():
        if name in known:
            values[name] = known[name].kind.parse(name, text)
        elif not name.startswith(("_", "sagemaker_")) and name not in IGNORED:
            extraneous(algorithm, name, known)
    if missing:
        raise ClientError(f"Missing required hyperparameter: {missing[0]}{_allowed(missing[0], known[missing[0]])}.")
    values["_tuning_objective_metric"] = plain.get("_tuning_objective_metric", "")
    return values


def _allowed(name: str, one: Known) -> str:
    """` (an integer of at least 1)`, in the words of what it takes; nothing where it takes anything."""
    try:
        one.kind.parse(name, "")
    except ClientError as error:
        return f" ({str(error).partition('it must be ')[2].removesuffix('.')})"
    return ""
