"""Condition blocks: every operator of IAM's, and what each says of a key that is absent.

Operators of one block and keys of one operator are joined by AND, values of one key by OR (by NOR in negated
ones). An absent key fails an operator and satisfies a negated one; `...IfExists` and `ForAllValues:` are satisfied by
it, `ForAnyValue:` is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from clary.aws.policy.errors import Malformed
from clary.aws.policy.values import Test, arns, binary, booleans, dates, networks, numbers, strings
from clary.aws.policy.wildcard import Lookup

Make = Callable[[list[str], bool], Test]
"""(values of the policy, has it variables) -> does a value of the request match one of them."""

_STRING_EQUALS: Final = strings(wild=False)
_STRING_FOLD: Final = strings(wild=False, fold=True)
_STRING_LIKE: Final = strings(wild=True)

_OPERATORS: Final[Mapping[str, tuple[Make, bool]]] = {
    "stringequals": (_STRING_EQUALS, False),
    "stringnotequals": (_STRING_EQUALS, True),
    "stringequalsignorecase": (_STRING_FOLD, False),
    "stringnotequalsignorecase": (_STRING_FOLD, True),
    "stringlike": (_STRING_LIKE, False),
    "stringnotlike": (_STRING_LIKE, True),
    "numericequals": (numbers("=="), False),
    "numericnotequals": (numbers("=="), True),
    "numericlessthan": (numbers("<"), False),
    "numericlessthanequals": (numbers("<="), False),
    "numericgreaterthan": (numbers(">"), False),
    "numericgreaterthanequals": (numbers(">="), False),
    "dateequals": (dates("=="), False),
    "datenotequals": (dates("=="), True),
    "datelessthan": (dates("<"), False),
    "datelessthanequals": (dates("<="), False),
    "dategreaterthan": (dates(">"), False),
    "dategreaterthanequals": (dates(">="), False),
    "bool": (booleans, False),
    "binaryequals": (binary, False),
    "ipaddress": (networks, False),
    "notipaddress": (networks, True),
    "arnequals": (arns, False),
    "arnlike": (arns, False),
    "arnnotequals": (arns, True),
    "arnnotlike": (arns, True),
}
_SETS: Final[Mapping[str, Literal["all", "any"]]] = {"forallvalues": "all", "foranyvalue": "any"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key."""

    operator: str
    """As it was written."""
    key: str
    """As it was written."""
    holds: Callable[[Lookup], bool]


def compile_block(block: Any, variables: bool) -> tuple[Condition, ...]:
    """The conditions of a block, all of which must hold. Raises Malformed."""
    if not isinstance(block, dict):
        raise Malformed("Syntax errors in policy.")
    found = []
    for operator, keys in block.items():
        if not isinstance(keys, dict) or not keys:
            raise Malformed("Syntax errors in policy.")
        for key, given in keys.items():
            if ":" not in key:
                raise Malformed(f"Invalid Condition key: {key}: it must begin with a service, as in aws:username.")
            holds = _compiled(operator, key.lower(), texts(given), variables)
            found.append(Condition(operator, key, holds))
    return tuple(found)


def texts(given: Any) -> list[str]:
    """One value or a list of them, as strings: JSON's true and 5 stand for "true" and "5". Raises Malformed."""
    values = given if isinstance(given, list) else [given]
    said = []
    for value in values:
        if isinstance(value, bool):
            said.append("true" if value else "false")
        elif isinstance(value, str | int | float):
            said.append(str(value))
        else:
            raise Malformed("Syntax errors in policy.")
    return said


def _compiled(operator: str, key: str, values: list[str], variables: bool) -> Callable[[Lookup], bool]:
    name = operator.lower()
    prefix, _, rest = name.rpartition(":")
    if prefix and prefix not in _SETS:
        raise Malformed(f"Invalid Condition type : {operator}.")
    if rest == "null" and not prefix:
        return _null(key, values)
    if_exists = rest.endswith("ifexists")
    found = _OPERATORS.get(rest.removesuffix("ifexists"))
    if found is None:
        raise Malformed(f"Invalid Condition type : {operator}.")
    make, negated = found
    return _joined(key, make(values, variables), negated, if_exists, _SETS.get(prefix))


def _null(key: str, values: list[str]) -> Callable[[Lookup], bool]:
    wanted = {value.lower() for value in values}
    if not wanted <= {"true", "false"}:
        raise Malformed("The condition Null takes true or false.")
    return lambda lookup: ("true" if not lookup(key) else "false") in wanted


def _joined(
    key: str, test: Test, negated: bool, if_exists: bool, over: Literal["all", "any"] | None
) -> Callable[[Lookup], bool]:
    absent = True if if_exists or over == "all" else False if over == "any" else negated

    def single(lookup: Lookup) -> bool:
        given = lookup(key)
        if not given:
            return absent
        return any(test(value, lookup) for value in given) != negated

    def every(lookup: Lookup) -> bool:
        return all(test(value, lookup) != negated for value in lookup(key) or ())

    def some(lookup: Lookup) -> bool:
        given = lookup(key)
        return any(test(value, lookup) != negated for value in given) if given else absent

    return single if over is None else every if over == "all" else some
