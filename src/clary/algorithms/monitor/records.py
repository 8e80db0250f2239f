"""Rows that are documents: flattened, gathered into batches, and changed by a script of the user where there is one."""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor.columns import Batch, Cells, absent, of_values

Doc = dict[str, Any]
Preprocess = Callable[["Inference"], list[Doc]]

ROWS: Final = 20_000
MOST_COLUMNS: Final = 10_000


class Side:
    """What a preprocessing script sees of one side of an inference; `data` may be changed."""

    def __init__(self, about: Doc) -> None:
        self.encoding = about.get("encoding")
        self.data = about.get("data")
        self.observedContentType = about.get("observedContentType")
        self.mode = about.get("mode")

    def as_dict(self) -> Doc:
        return {"encoding": self.encoding, "data": self.data, "observedContentType": self.observedContentType}


class Metadata:
    """What a preprocessing script sees of when and under which name an inference was made."""

    def __init__(self, about: Doc) -> None:
        self.event_id = about.get("eventId")
        self.event_time = about.get("inferenceTime")
        self.custom_attribute = about.get("customAttributes")
        self.inference_id = about.get("inferenceId")


class Inference:
    """A record as a preprocessing script sees it, with the names that AWS's container gives it."""

    def __init__(self, record: Doc) -> None:
        data = record.get("captureData") or {}
        self.event_dict = record
        self.event_version = record.get("eventVersion")
        self.event_metadata = Metadata(record.get("eventMetadata") or {})
        self.endpoint_input = Side(data["endpointInput"]) if "endpointInput" in data else None
        self.endpoint_output = Side(data["endpointOutput"]) if "endpointOutput" in data else None

    def as_dict(self) -> Doc:
        return self.event_dict


def program(path: Path, handler: str) -> Callable[..., Any]:
    """The function of that name in the user's script. Raises ClientError when there is none."""
    module = _loaded(path)
    found = getattr(module, handler, None)
    if not callable(found):
        raise ClientError(f"{path.name} has no function {handler}: define it there.")
    return found  # type: ignore[no-any-return]


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ClientError(f"{path.name} is no Python program.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ClientError(f"{path.name} does not load: {type(error).__name__}: {error}") from error
    return module


def preprocessor(path: Path | None) -> Preprocess | None:
    """The user's preprocess_handler: from a record to the rows that it stands for (None or [] for none)."""
    if path is None:
        return None
    handler = program(path, "preprocess_handler")

    def rows(inference: Inference) -> list[Doc]:
        try:
            made = handler(inference)
        except Exception as error:
            raise ClientError(f"preprocess_handler of {path.name} raised {type(error).__name__}: {error}") from error
        found = made if isinstance(made, list) else [] if made is None else [made]
        if not all(isinstance(one, dict) for one in found):
            raise ClientError(f"preprocess_handler of {path.name} must return a dict, or a list of dicts.")
        return [flat(one) for one in found]

    return rows


def flat(value: Any, name: str = "") -> Doc:
    """The document with its leaves alone, each under the path to it: `a.b`, `a.0`. Raises ClientError for a document
    that is no object."""
    if not name and not isinstance(value, dict):
        raise ClientError(f"a record must be a JSON object, not {type(value).__name__}: name its members in a script.")
    found: Doc = {}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in parts:
        path = f"{name}.{key}" if name else str(key)
        if isinstance(one, dict | list):
            found |= flat(one, path)
        else:
            found[path] = one
    return found


def gathered(rows: Iterable[Doc]) -> Iterator[Batch]:
    """The rows in batches; a member that a row does not have is missing there."""
    columns: dict[str, list[Any]] = {}
    count, seen = 0, dict[str, None]()
    for row in rows:
        for name, value in row.items():
            values = columns.get(name)
            if values is None:
                values = columns[name] = [None] * count
            values.append(value)
        count += 1
        if len(row) < len(columns):
            for values in columns.values():
                if len(values) < count:
                    values.append(None)
        if len(columns) > MOST_COLUMNS:
            raise ClientError(f"the records have more than {MOST_COLUMNS} different members: they are no table.")
        if count == ROWS:
            yield _batch(columns, count, seen)
            columns, count = {}, 0
    if count:
        yield _batch(columns, count, seen)


def _batch(columns: dict[str, list[Any]], count: int, seen: dict[str, None]) -> Batch:
    seen.update(dict.fromkeys(columns))
    made: dict[str, Cells] = {}
    for name in seen:
        values = columns.get(name)
        made[name] = absent(count) if values is None else of_values(values)
    return made
