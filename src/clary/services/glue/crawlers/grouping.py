"""From what was seen of the files below a target to the tables that they are.

Folder by folder, from the deepest up:

- The files of a folder are one table's when their schemas are similar; where 70 % of them are, the others are tables of
  their own, and where fewer are, every file is one.
- Subfolders that are similar (again 70 % of them, and as deep as each other) are the partitions of one table. Folders
  `key=value` go together only with those of the same key. A lone subfolder is a partition only where it is called
  `key=value` or is a number, as dates are.
- Files beside subfolders that are similar to them are one table without partitions.

Similar: of one format (and one delimiter), and 70 % of the wider one's columns are in both. CombineCompatibleSchemas
and TableLevelConfiguration make all of one format similar.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clary.engines.schemas import types
from clary.kernel.resource import Doc
from clary.services.glue.crawlers.configuration import Configuration

SAME: Final = 0.7
_MOST_CLUSTERS: Final = 300
"""Beyond so many different schemas side by side, only equal ones are put together: comparing all with all ends."""
_KEYED: Final = re.compile(r"([^=]+)=(.*)")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """One readable file of a target."""

    folder: Path
    """Below the target."""
    name: str
    size: int
    records: int
    schema: int


@dataclass(slots=True)
class Leaf:
    """A folder with files of a table (or one file): without partitions, where its files are; with, one partition."""

    folder: Path
    schema: Doc
    objects: int
    size: int
    records: int
    file: str = ""
    """Set: it is this file alone."""


@dataclass(slots=True)
class Table:
    """Leaves that are one table."""

    folder: Path
    schema: Doc
    leaves: list[Leaf]
    depth: int = 0
    """How many levels of folders are partition keys."""

    @property
    def file(self) -> str:
        return self.leaves[0].file if len(self.leaves) == 1 else ""


@dataclass(slots=True)
class _Node:
    files: list[File] = field(default_factory=list)
    open: list[Table] = field(default_factory=list)
    """Of the subfolders: what may become part of a table of this folder."""


class Grouping:
    """Of one target. `base` is the level of the target's folder: 1 for a bucket."""

    def __init__(self, schemas: Sequence[Doc], configuration: Configuration, base: int, whole: bool = False) -> None:
        """`whole`: the target is one table, whatever it looks like (a table of the catalog)."""
        self._schemas = schemas
        self._level = base if whole else configuration.level
        self._combines = configuration.combines or self._level is not None
        self._base = base
        self._done: list[Table] = []

    def tables(self, files: Iterable[File]) -> list[Table]:
        """In the order of their places."""
        nodes: dict[Path, _Node] = {}
        for file in files:
            nodes.setdefault(file.folder, _Node()).files.append(file)
        for path in list(nodes):
            for length in range(len(path)):
                nodes.setdefault(path[:length], _Node())
        for path in sorted(nodes, key=lambda one: (-len(one), one)):
            found = self._grouped(path, nodes[path])
            if found is not None and path:
                nodes[path[:-1]].open.append(found)
            elif found is not None:
                self._done.append(found)
        return sorted(self._done, key=lambda one: (one.folder, one.file))

    def _grouped(self, path: Path, node: _Node) -> Table | None:
        """What a folder above may take as its own; all else is done."""
        own = self._own(path, node.files)
        found = self._below(path, own, node.open)
        if found is not None and self._level is not None and self._base + len(path) <= self._level:
            self._done.append(found)
            return None
        return found

    def _own(self, path: Path, files: list[File]) -> Table | None:
        """The files of the folder itself as a table; those that do not fit are done."""
        if not files:
            return None
        counted = Counter(file.schema for file in files)
        clusters = self._clusters([(self._schemas[number], "", [number]) for number in counted])
        sizes = [sum(counted[number] for number in numbers) for _, _, numbers in clusters]
        largest = max(range(len(clusters)), key=sizes.__getitem__)
        chosen: set[int] = set()
        if sizes[largest] >= SAME * len(files):
            chosen = set(clusters[largest][2])
        rest = [file for file in files if file.schema not in chosen]
        for file in rest:
            schema = self._schemas[file.schema]
            leaf = Leaf(path, schema, 1, file.size, file.records, file.name)
            self._done.append(Table(path, schema, [leaf]))
        inside = [file for file in files if file.schema in chosen]
        if not inside:
            return None
        schema = clusters[largest][0]
        sums = (len(inside), sum(one.size for one in inside), sum(one.records for one in inside))
        return Table(path, schema, [Leaf(path, schema, *sums)])

    def _below(self, path: Path, own: Table | None, below: list[Table]) -> Table | None:
        if not below or (self._level is not None and self._base + len(path) < self._level):
            self._done += below
            return own
        below.sort(key=lambda one: one.folder)
        if own is not None:
            together = self._clusters([(one.schema, "", [one]) for one in (own, *below)])
            if len(together) == 1 or self._forced(path):
                return Table(path, _merged([one.schema for one in (own, *below)]), _leaves([own, *below]))
            self._done += below
            return own
        if len(below) == 1 and not _tells(below[0].folder[len(path)]) and not self._forced(path):
            return below[0]
        clusters = self._clusters([(one.schema, _mark(one, len(path)), [one]) for one in below])
        schema, _, members = max(clusters, key=lambda one: len(one[2]))
        if len(members) < SAME * len(below) and not self._forced(path):
            self._done += below
            return None
        if self._forced(path) and len(clusters) > 1:
            schema = _merged([one.schema for one in below])
            depths = {one.depth + len(one.folder) - len(path) for one in below}
            depth = depths.pop() if len(depths) == 1 else 0
            return Table(path, schema, _leaves(below), depth)
        chosen = {id(one) for one in members}
        self._done += [one for one in below if id(one) not in chosen]
        depth = members[0].depth + len(members[0].folder) - len(path)
        return Table(path, schema, _leaves(members), depth)

    def _forced(self, path: Path) -> bool:
        return self._level is not None and self._base + len(path) >= self._level

    def _clusters(self, several: Sequence[tuple[Doc, str, list[Any]]]) -> list[tuple[Doc, str, list[Any]]]:
        """(schema, mark, members) put together where the marks are equal and the schemas similar."""
        found: list[tuple[Doc, str, list[Any]]] = []
        same: dict[tuple[int, str], int] = {}
        for schema, mark, members in several:
            at = same.get((id(schema), mark))
            if at is None:
                at = next(
                    (
                        number
                        for number, (known, its, _) in enumerate(found[:_MOST_CLUSTERS])
                        if its == mark and self.similar(known, schema)
                    ),
                    None,
                )
                if at is not None:
                    known, _, its_members = found[at]
                    found[at] = (_merged([known, schema]), mark, its_members)
            if at is None:
                found.append((schema, mark, list(members)))
                at = len(found) - 1
            else:
                found[at][2].extend(members)
            same[id(schema), mark] = at
        return found

    def similar(self, one: Doc, other: Doc) -> bool:
        if one["classification"] != other["classification"]:
            return False
        if one["details"].get("delimiter") != other["details"].get("delimiter"):
            return False
        if self._combines:
            return True
        columns, others = one["columns"], other["columns"]
        if one["details"].get("header") is False and other["details"].get("header") is False:
            # Names that are only numbers say nothing: what is in the columns must fit.
            fits = sum(_fits(mine[1], its[1]) for mine, its in zip(columns, others, strict=False))
            return fits >= SAME * max(len(columns), len(others))
        return types.shared(columns, others) >= SAME


def partition_keys(table: Table) -> list[str]:
    """The names of the levels: the key of `key=value`, else partition_0 and so on."""
    keys: list[str] = []
    unnamed = 0
    for level in range(len(table.folder), len(table.folder) + table.depth):
        found = {match[1].lower() for leaf in table.leaves if (match := _KEYED.fullmatch(leaf.folder[level]))}
        plain = any(_KEYED.fullmatch(leaf.folder[level]) is None for leaf in table.leaves)
        if len(found) == 1 and not plain:
            keys.append(found.pop())
        else:
            keys.append(f"partition_{unnamed}")
            unnamed += 1
    return keys


def partition_values(table: Table, leaf: Leaf) -> list[str]:
    """One a key."""
    values = []
    for part in leaf.folder[len(table.folder) : len(table.folder) + table.depth]:
        match = _KEYED.fullmatch(part)
        values.append(match[2] if match else part)
    return values


def _merged(schemas: Sequence[Doc]) -> Doc:
    """One schema for all: of the first, with the columns of all."""
    first = schemas[0]
    if all(one is first for one in schemas):
        return first
    columns = types.merged_columns(one["columns"] for one in schemas)
    details = {**first["details"]}
    if any(one["details"].get("quoted") for one in schemas):
        details |= next(one["details"] for one in schemas if one["details"].get("quoted"))
    return {**first, "columns": columns, "details": details}


def _leaves(several: Iterable[Table]) -> list[Leaf]:
    return [leaf for one in several for leaf in one.leaves]


def _mark(table: Table, level: int) -> str:
    """What partitions of one table have in common beside their schema: the key, and how deep they are."""
    match = _KEYED.fullmatch(table.folder[level])
    return f"{match[1].lower() if match else ''}/{table.depth + len(table.folder)}"


def _tells(folder: str) -> bool:
    """By its name alone the folder is a partition."""
    return folder.isdecimal() or _KEYED.fullmatch(folder) is not None


def _fits(one: Any, other: Any) -> bool:
    numbers = ("bigint", "double", types.NOTHING)
    return bool(one == other or (one in numbers and other in numbers))


def renamed(schema: Doc, keys: Sequence[str]) -> tuple[Doc, list[str]]:
    """The schema and the keys, with no name twice: formats that name their values lose the column (the folder says it
    already), in others the key gets another name."""
    taken = {name for name, _ in schema["columns"]}
    if not taken & set(keys):
        return schema, list(keys)
    if schema["classification"] == "csv":
        return schema, [f"partition_{key}" if key in taken else key for key in keys]
    return {**schema, "columns": [one for one in schema["columns"] if one[0] not in keys]}, list(keys)
