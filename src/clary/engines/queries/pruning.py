"""Which partitions a statement can see: its conditions on partition columns, in the words of Glue's expressions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from clary.engines.queries.base import Doc
from clary.engines.queries.language import named, parsed

_COMPARE: Final[Mapping[type, str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TEXT: Final = ("string", "varchar", "char", "date", "timestamp")


def pruned(statements: Sequence[Doc], tables: Sequence[Doc]) -> Doc:
    """`statements`: `sql` and `database` of the query and of the views in it; `tables`: `database`, `table`, `keys`.
    {"expressions": [...]} in the order of the tables; None where every partition may be seen."""
    trees = [(parsed(one["sql"]), one["database"]) for one in statements]
    return {"expressions": [_of_table(trees, table) for table in tables]}


def _of_table(trees: Sequence[tuple[exp.Expr, str]], table: Doc) -> str | None:
    """Every place that reads the table may see what its own conditions allow."""
    keys = {one["Name"].lower(): one["Type"].lower() for one in table["keys"]}
    found: list[str] = []
    for tree, database in trees:
        for scope in traverse_scope(tree):
            for alias, source in scope.sources.items():
                if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
                    continue
                if named(source, database) != (table["database"], table["table"]):
                    continue
                said = [text for one in _conditions(scope) if (text := _text(one, alias, scope, keys)) is not None]
                if not said:
                    return None
                found.append(" AND ".join(f"({one})" for one in said))
    unique = list(dict.fromkeys(found))
    return None if not unique else unique[0] if len(unique) == 1 else " OR ".join(f"({one})" for one in unique)


def _conditions(scope: Scope) -> Iterator[exp.Expr]:
    where = scope.expression.args.get("where")
    if where is not None:
        yield from _conjuncts(where.this)


def _conjuncts(one: exp.Expr) -> Iterator[exp.Expr]:
    inner = one.unnest()
    if isinstance(inner, exp.And):
        yield from _conjuncts(inner.this)
        yield from _conjuncts(inner.expression)
    else:
        yield inner


def _text(one: exp.Expr, alias: str, scope: Scope, keys: Mapping[str, str]) -> str | None:
    """None: Glue need not be asked for that. Every word that goes in is NULL or false where the column is NULL, so it
    holds beside outer joins, too."""
    one = one.unnest()
    if isinstance(one, exp.And | exp.Or):
        left = _text(one.this, alias, scope, keys)
        right = _text(one.expression, alias, scope, keys)
        if left is None or right is None:
            return None
        return f"({left}) {'AND' if isinstance(one, exp.And) else 'OR'} ({right})"
    if type(one) in _COMPARE:
        return _compared(one, alias, scope, keys)
    key = _key(one.this, alias, scope, keys) if isinstance(one, exp.In | exp.Between) else None
    if key is None:
        return None
    if isinstance(one, exp.Between):
        low, high = _value(one.args["low"], keys[key]), _value(one.args["high"], keys[key])
        return None if low is None or high is None else f"{key} BETWEEN {low} AND {high}"
    values = [_value(value, keys[key]) for value in one.expressions]
    if not values or one.args.get("query") is not None or None in values:
        return None
    return f"{key} IN ({', '.join(str(value) for value in values)})"


def _compared(one: exp.Expr, alias: str, scope: Scope, keys: Mapping[str, str]) -> str | None:
    sign = _COMPARE[type(one)]
    key, other = _key(one.this, alias, scope, keys), one.expression
    if key is None:
        key, other, sign = _key(one.expression, alias, scope, keys), one.this, _TURNED[sign]
    if key is None:
        return None
    value = _value(other, keys[key])
    return None if value is None else f"{key} {sign} {value}"


def _key(one: exp.Expr, alias: str, scope: Scope, keys: Mapping[str, str]) -> str | None:
    one = one.unnest()
    if not isinstance(one, exp.Column) or one.name.lower() not in keys:
        return None
    if one.table:
        return one.name.lower() if one.table.lower() == alias.lower() else None
    # Without its table it may be another one's column.
    return one.name.lower() if len(scope.sources) == 1 else None


def _value(one: exp.Expr, type_: str) -> str | None:
    one = one.unnest()
    if isinstance(one, exp.Cast) and isinstance(one.this, exp.Literal) and one.this.is_string:
        wanted = one.to
        if not wanted.is_type("date") or not type_.startswith("date"):
            return None
        one = one.this
    sign = ""
    if isinstance(one, exp.Neg):
        sign, one = "-", one.this
    if not isinstance(one, exp.Literal):
        return None
    text = type_.partition("(")[0] in _TEXT
    if one.is_string != text:
        return None  # whoever compares a number with a text gets the words of the engine
    return "'" + one.this.replace("'", "''") + "'" if text else f"{sign}{one.this}"
