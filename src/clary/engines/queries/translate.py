"""From what Athena understands to what DuckDB does."""

from collections.abc import Callable, Collection
from typing import Final

from sqlglot import exp

from clary.engines.queries.kinds import quoted
from clary.engines.queries.language import named, parsed, tables_of

PATH: Final = "$path"
_HIDDEN: Final = (PATH, "$file_size", "$file_modified_time")
Style = Collection[str]
"""How words are read whose meaning lies in the type of what they are given: "maps-unnest", "maps-count"."""


def schema_of(database: str) -> str:
    """The name of a database within DuckDB: it has an information_schema of its own."""
    return "$information_schema" if database == "information_schema" else database


def source_name(name: str, version: object = None, timestamp: object = None) -> str:
    """The name of the view over a table; each state of a table that travels in time is a view."""
    if version is None and timestamp is None:
        return name
    return f"{name}@{version if version is not None else timestamp}"


def hidden(tree: exp.Expr) -> set[str]:
    """Which hidden columns are asked for."""
    return {one.name.lower() for one in tree.find_all(exp.Column) if one.name.lower() in _HIDDEN}


def translated(sql: str, database: str, style: Style = (), aliases: bool = True) -> str:
    """The query in DuckDB's words. `aliases`: expressions without a name are called _col0, _col1 ... as their place
    is. Raises QueryError."""
    tree = parsed(sql)
    _sources(tree, database)
    asked = hidden(tree)
    if asked:
        for star in tree.find_all(exp.Star):
            if not isinstance(star.parent, exp.Func):
                star.set("except_", [exp.column(one, quoted=True) for one in sorted(asked)])
    if aliases:
        _name(tree)
    tree = tree.transform(_node, style)
    return tree.sql("duckdb")


def _sources(tree: exp.Expr, database: str) -> None:
    for table in list(tables_of(tree)):
        schema, name = named(table, database)
        version = table.args.get("version")
        at = None
        if version is not None:
            said = version.args["expression"]
            at = said.name if version.name.upper() == "VERSION" else said.sql("duckdb")
            table.set("version", None)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name.lower(), quoted=True)))
        table.set("this", exp.to_identifier(source_name(name, at), quoted=True))
        table.set("db", exp.to_identifier(schema_of(schema), quoted=True))
        table.set("catalog", None)
    # A column may name its table with the database before it; here the alias is all there is.
    for column in tree.find_all(exp.Column):
        if column.args.get("db") is not None:
            column.set("db", None)
            column.set("catalog", None)


def _name(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Query):
        return
    first = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if not isinstance(first, exp.Select):
        return
    for at, one in enumerate(first.expressions):
        named_already = isinstance(one, exp.Alias | exp.Column | exp.Dot) or one.is_star
        if not named_already:
            first.expressions[at].replace(exp.alias_(one.copy(), f"_col{at}"))


def _node(node: exp.Expr, style: Style) -> exp.Expr:
    change = _CHANGES.get(type(node))
    if change is not None:
        return change(node)
    if isinstance(node, exp.ArraySize):
        return exp.func("cardinality" if "maps-count" in style else "len", node.this)
    if isinstance(node, exp.Unnest) and isinstance(node.parent, exp.Join | exp.From):
        return _unnest(node, style)
    if isinstance(node, exp.Anonymous):
        return _renamed(node)
    return node


def _unnest(node: exp.Unnest, style: Style) -> exp.Expr:
    """Several lists side by side, and rows or entries of maps as columns, which DuckDB's UNNEST does not do."""
    alias, given = node.args.get("alias"), node.expressions
    names = [one.name for one in alias.columns] if alias is not None else []
    ordinal = bool(node.args.get("offset"))
    if isinstance(node.args.get("offset"), exp.Expr):
        names = [*names, node.args["offset"].name]
    wide = len(names) - ordinal > len(given)
    if len(given) == 1 and not wide and not ordinal:
        return node
    lists = [one.sql("duckdb") for one in (given_.transform(_node, style) for given_ in given)]
    if wide:
        lists = [f"map_entries({one})" if "maps-unnest" in style else one for one in lists]
        parts = ", ".join(f"unnest({one}) AS e{at}" for at, one in enumerate(lists))
        tail = f", generate_subscripts({lists[0]}, 1) AS o" if ordinal else ""
        outer = ", ".join(f"unnest(e{at})" for at in range(len(lists)))
        inner = f"SELECT {outer}{', o' if ordinal else ''} FROM (SELECT {parts}{tail})"
    else:
        longest = f"greatest({', '.join(f'coalesce(len({one}), 0)' for one in lists)})"
        parts = ", ".join(f"({one})[o] AS e{at}" for at, one in enumerate(lists))
        inner = f"SELECT {parts}{', o' if ordinal else ''} FROM (SELECT unnest(generate_series(1, {longest})) AS o)"
    label = quoted(alias.name) if alias is not None and alias.name else "u"
    columns = f"({', '.join(quoted(one) for one in names)})" if names else ""
    # What stands here is DuckDB's already: it goes through as it is.
    return exp.Var(this=f"LATERAL ({inner}) AS {label}{columns}")


def _reduce(node: exp.Expr) -> exp.Expr:
    merged: exp.Expr = exp.func("list_reduce", node.this, node.args["merge"], node.args["initial"])
    finish = node.args.get("finish")
    if not isinstance(finish, exp.Lambda):
        return merged
    name, body = finish.expressions[0].name, finish.this.copy()
    if isinstance(body, exp.Column | exp.Identifier) and body.name == name:
        return merged

    def put(one: exp.Expr) -> exp.Expr:
        mine = isinstance(one, exp.Column | exp.Identifier) and one.name == name
        return exp.Paren(this=merged.copy()) if mine else one

    finished: exp.Expr = body.transform(put)
    return finished


def _slice(node: exp.Expr) -> exp.Expr:
    start, length = node.args["start"], node.args["end"]
    last = exp.Sub(this=exp.Add(this=start.copy(), expression=length.copy()), expression=exp.Literal.number(1))
    return exp.Anonymous(this="list_slice", expressions=[node.this, start, last])


def _matched(node: exp.Expr) -> exp.Expr:
    """NULL where nothing matches, as Trino has it; DuckDB says ''."""
    group = node.args.get("group") or exp.Literal.number(0)
    found = exp.Anonymous(this="regexp_extract", expressions=[node.this, node.expression, group])
    if found.parent is None and isinstance(node.parent, exp.Case):
        return found
    return exp.Case(ifs=[exp.If(this=exp.func("regexp_matches", node.this.copy(), node.expression.copy()), true=found)])


def _timestamp(node: exp.Expr) -> exp.Expr:
    if node.this in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ) and node.expressions:
        return exp.DataType(this=node.this)
    return node


def _extract(node: exp.Expr) -> exp.Expr:
    if node.name.upper() in ("DAYOFWEEK", "DOW", "DAY_OF_WEEK"):
        return exp.Extract(this=exp.var("ISODOW"), expression=node.expression)
    return node


def _format(node: exp.Expr) -> exp.Expr:
    """Java's patterns: DuckDB's printf, not its format."""
    return exp.Anonymous(this="printf", expressions=[node.this, *node.expressions])


def _renamed(node: exp.Anonymous) -> exp.Expr:
    name = _NAMES.get(node.name.lower())
    return exp.Anonymous(this=name, expressions=node.expressions) if name else node


_NAMES: Final = {
    "format": "printf",
    "zip_with": "clary_zip_with",
    "concat_ws": "concat_ws",
    "random": "random",
    "is_nan": "isnan",
    "approx_most_frequent": "approx_top_k",
    "array_intersect": "list_intersect",
    "any_match": "list_any_match",
    "bitwise_left_shift": "lshift",
    "day": "day",
    "ln": "ln",
    "shuffle": "list_shuffle",
    "reverse": "reverse",
}
_CHANGES: Final[dict[type, Callable[[exp.Expr], exp.Expr]]] = {
    exp.Reduce: _reduce,
    exp.ArraySlice: _slice,
    exp.RegexpExtract: _matched,
    exp.DataType: _timestamp,
    exp.Extract: _extract,
    exp.Format: _format,
}
