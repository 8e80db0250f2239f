"""The paths of a rest protocol: method, path and query string to an operation, compiled from the model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from clary.aws.http import Request
from clary.aws.model import Model, Operation


@dataclass(frozen=True, slots=True)
class _Candidate:
    operation: str
    markers: Mapping[str, str]
    """Query arguments that the template spells out; "" asks only for the name."""
    args: tuple[str, ...]
    headers: tuple[str, ...]
    """What the input requires in the query string and in headers: tells operations on one path apart."""

    def marked(self, request: Request) -> bool:
        given = request.args
        return all(name in given and (not value or given[name] == [value]) for name, value in self.markers.items())

    def complete(self, request: Request) -> bool:
        return all(name in request.args for name in self.args) and all(name in request.headers for name in self.headers)


@dataclass(frozen=True, slots=True)
class _Path:
    pattern: re.Pattern[str]
    candidates: list[_Candidate]
    plain: list[_Candidate]
    """Those without markers: all that a request without a query string can mean."""

    def marked(self, request: Request) -> list[_Candidate]:
        """Those with the most markers of all whose markers the request has."""
        found = [candidate for candidate in self.candidates if candidate.marked(request)]
        most = max((len(candidate.markers) for candidate in found), default=0)
        return [candidate for candidate in found if len(candidate.markers) == most]


class Templates:
    """The operations of one rest service by method, path shape and query markers."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @cached_property
    def _table(self) -> dict[str, list[_Path]]:
        hidden = self._model.patch.get("hidden_operations", ())
        paths: dict[tuple[str, str], list[_Candidate]] = {}
        for name in self._model:
            if name not in hidden:
                operation = self._model.operation(name)
                path, _, query = operation.uri.partition("?")
                paths.setdefault((operation.method, path), []).append(_candidate(operation, query))
        table: dict[str, list[_Path]] = {}
        for (method, path), candidates in sorted(paths.items(), key=lambda item: _generality(item[0][1])):
            # The first that fits is taken: what asks for most comes first, what AWS has retired last.
            candidates.sort(key=lambda one: (self._retired(one), -len(one.markers), -len(one.args) - len(one.headers)))
            table.setdefault(method, []).append(_path(path, candidates))
        return table

    def find(self, request: Request, path: bytes) -> tuple[str, dict[str, str]] | None:
        """(operation, labels of its path), or None."""
        text = path.decode("latin-1")
        for one in self._table.get(request.method, ()):
            if (match := one.pattern.fullmatch(text)) is None:
                continue
            marked = one.marked(request) if request.query else one.plain
            if not marked:
                continue
            chosen = next((candidate for candidate in marked if candidate.complete(request)), marked[-1])
            return chosen.operation, {name: _decoded(value) for name, value in match.groupdict().items()}
        return None

    def _retired(self, candidate: _Candidate) -> bool:
        return bool(self._model.raw_operations[candidate.operation].get("deprecated"))


def _path(path: str, candidates: list[_Candidate]) -> _Path:
    return _Path(_pattern(path), candidates, [one for one in candidates if not one.markers])


def _candidate(operation: Operation, query: str) -> _Candidate:
    markers = {}
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            markers[name] = value
    args, headers = [], []
    if operation.input is not None:
        members = operation.input.members
        for name in operation.input.required:
            if members[name].location == "querystring":
                args.append(members[name].wire(name))
            elif members[name].location == "header":
                headers.append(members[name].wire(name).lower())
    return _Candidate(operation.name, markers, tuple(args), tuple(headers))


def _pattern(path: str) -> re.Pattern[str]:
    """Of "/{Bucket}/{Key+}": a label is one segment, a greedy one is the rest; a last slash makes no difference."""
    greedy = path.rstrip("/").endswith("+}")
    parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
    made = [re.escape(parts[0])]
    for label, plus, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += [f"(?P<{label}>{'.+' if plus else '[^/]+'})", re.escape(literal)]
    return re.compile("".join(made) + ("" if greedy else "/?"), re.DOTALL)


def _generality(path: str) -> tuple[int, int]:
    """Literal paths before labels, labels before greedy ones."""
    return (path.count("+}"), path.count("{"))


def _decoded(text: str) -> str:
    return unquote(text.encode("latin-1").decode("utf-8", "replace"))
