"""Policy documents: read, checked and compiled once, then asked many times."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from clary.aws.policy.conditions import Condition, compile_block, texts
from clary.aws.policy.errors import Malformed
from clary.aws.policy.principals import Grip, Principals, Who
from clary.aws.policy.wildcard import Lookup, Pattern, Variable

Kind = Literal["identity", "resource", "trust"]
"""identity: who carries it is its principal (also boundaries and session policies); resource: names its principals;
trust: a role's, names its principals and no resource."""

VERSIONS: Final = ("2012-10-17", "2008-10-17")
_ELEMENTS: Final = {"Version", "Id", "Statement"}
_OF_STATEMENT: Final = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}  # fmt: skip
_ACTION: Final = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_SYNTAX: Final = "Syntax errors in policy."
_MOST_CACHED: Final = 4096


_NOBODY: Final = Who()


class Question(NamedTuple):
    """What the statements are held against."""

    action: str
    resource: str
    lookup: Lookup
    who: Who = _NOBODY


class Statement:
    """One statement, compiled."""

    __slots__ = ("_actions", "_always", "_not_action", "_not_resource", "_resources", "conditions", "deny", "index",
                 "principals", "sid")  # fmt: skip

    def __init__(self, said: dict[str, Any], index: int, kind: Kind, variables: bool) -> None:
        """Raises Malformed."""
        self.index = index
        self.sid = _sid(said, kind)
        self.deny = _effect(said) == "Deny"
        action, self._not_action = _either(said, "Action")
        self._actions = [Pattern(_action(one), variables=False, fold=True) for one in _listed(action)]
        self._not_resource, self._resources = _resources(said, kind, variables)
        self.principals = _principals(said, kind)
        self.conditions: tuple[Condition, ...] = compile_block(said.get("Condition", {}), variables)
        resources = [one.text for one in self._resources or ()]
        self._always = "*" in resources and not (self._not_resource or self.conditions or self.principals)

    @property
    def effort(self) -> int:
        """How much must be looked at before it is known to apply: nothing, the resource, conditions."""
        return 0 if self._always else 2 if self.conditions else 1

    def names_action(self, action: str) -> bool:
        return any(one.matches(action, _nothing) for one in self._actions) != self._not_action

    def names_resource(self, question: Question) -> bool:
        if self._resources is None:
            return True
        resource, lookup = question.resource, question.lookup
        return any(one.matches(resource, lookup) for one in self._resources) != self._not_resource

    def holds(self, lookup: Lookup) -> bool:
        return all(one.holds(lookup) for one in self.conditions)

    def grip(self, question: Question) -> Grip:
        """NONE: the statement does not apply. Its action is taken as matched."""
        if self._always:
            return Grip.SELF
        grip = Grip.SELF if self.principals is None else self.principals.grip(question.who)
        if grip and self.names_resource(question) and self.holds(question.lookup):
            return grip
        return Grip.NONE

    def condition_keys(self) -> list[str]:
        """The condition keys that it asks for, as written; those of variables in lower case."""
        patterns: Sequence[Pattern] = self._resources or ()
        variables: list[Variable] = [one for pattern in patterns for one in pattern.variables]
        return [one.key for one in self.conditions] + [one.key for one in variables]


class Policy:
    """A compiled document. `name` says where it came from: an ARN, or the name of an inline policy."""

    __slots__ = ("_by_action", "kind", "name", "statements", "text")

    def __init__(self, text: str, kind: Kind, name: str = "") -> None:
        """Raises Malformed."""
        said = _document(text)
        variables = said.get("Version", VERSIONS[1]) == VERSIONS[0]
        self.text = text
        self.name = name
        self.kind: Kind = kind
        self.statements = tuple(
            Statement(one, index, kind, variables) for index, one in enumerate(_statements(said, kind))
        )
        self._by_action: dict[str, tuple[tuple[Statement, ...], tuple[Statement, ...]]] = {}

    def denial(self, question: Question) -> Statement | None:
        """The first statement that denies it."""
        return next((one for one in self.naming(question.action)[0] if one.grip(question)), None)

    def grant(self, question: Question) -> tuple[Grip, Statement | None]:
        """The statement that allows it, and how firmly it names the caller: the firmest there is."""
        grips = [(one.grip(question), one) for one in self.naming(question.action)[1]]
        return max(((grip, one) for grip, one in grips if grip), key=lambda one: one[0], default=(Grip.NONE, None))

    def naming(self, action: str) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        """(denying, allowing) statements that name the action."""
        found = self._by_action.get(action)
        if found is None:
            named = [one for one in self.statements if one.names_action(action)]
            found = tuple(one for one in named if one.deny), tuple(one for one in named if not one.deny)
            if len(self._by_action) >= _MOST_CACHED:
                self._by_action.clear()
            self._by_action[action] = found
        return found

    def condition_keys(self) -> list[str]:
        """The condition keys that the document asks for, once each, in order."""
        return list(dict.fromkeys(key for one in self.statements for key in one.condition_keys()))


@lru_cache(maxsize=2048)
def parse(text: str, kind: Kind = "identity", name: str = "") -> Policy:
    """The compiled document; the same object for the same text. Raises Malformed."""
    return Policy(text, kind, name)


NOTHING_AT_ALL: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
"""Stands for a stored document that cannot be read: what it would have denied is not known, so all is."""


def _nothing(key: str) -> None:
    return None


def _document(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("This policy contains invalid Json") from None
    if not isinstance(said, dict):
        raise Malformed(_SYNTAX)
    if unknown := set(said) - _ELEMENTS:
        raise Malformed(f"{_SYNTAX} {sorted(unknown)[0]!r} is no element of a policy.")
    if said.get("Version", VERSIONS[1]) not in VERSIONS:
        raise Malformed("The policy must contain a valid version string")
    return said


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        raise ValueError("a name twice")
    return said


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _statements(said: dict[str, Any], kind: Kind) -> list[dict[str, Any]]:
    statements = said.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise Malformed("Missing required field Statement")
    for one in statements:
        if not isinstance(one, dict):
            raise Malformed(_SYNTAX)
        if unknown := set(one) - _OF_STATEMENT:
            raise Malformed(f"{_SYNTAX} {sorted(unknown)[0]!r} is no element of a statement.")
    sids = [one["Sid"] for one in statements if one.get("Sid")]
    if kind != "trust" and len({str(one) for one in sids}) < len(sids):
        raise Malformed("Statement IDs (SID) in a single policy must be unique.")
    return statements


def _sid(said: dict[str, Any], kind: Kind) -> str:
    sid = said.get("Sid", "")
    if not isinstance(sid, str):
        raise Malformed(_SYNTAX)
    if kind == "identity" and not re.fullmatch("[0-9A-Za-z]*", sid):
        raise Malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*"
        )
    return sid


def _effect(said: dict[str, Any]) -> str:
    effect = said.get("Effect")
    if effect is None:
        raise Malformed("Missing required field Effect")
    if effect not in ("Allow", "Deny"):
        raise Malformed(f"Invalid effect: {effect}: Effect must be Allow or Deny.")
    return str(effect)


def _either(said: dict[str, Any], name: str) -> tuple[Any, bool]:
    """(the element `name` or its inverse, is it the inverse). Exactly one must be there."""
    inverse = f"Not{name}"
    if name in said and inverse in said:
        raise Malformed(f"{_SYNTAX} Use either {name} or {inverse}.")
    if name not in said and inverse not in said:
        raise Malformed(f"Missing required field {name}")
    return said.get(name, said.get(inverse)), inverse in said


def _listed(given: Any) -> list[str]:
    values = given if isinstance(given, list) else [given]
    if not values or not all(isinstance(one, str) for one in values):
        raise Malformed(_SYNTAX)
    return texts(given)


def _action(text: str) -> str:
    if not _ACTION.fullmatch(text):
        raise Malformed(
            f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {text!r} is not."
            if ":" not in text
            else f"The action {text!r} is not of the form service:Action."
        )
    return text


def _resources(said: dict[str, Any], kind: Kind, variables: bool) -> tuple[bool, list[Pattern] | None]:
    if kind == "trust":
        for prohibited in ("Resource", "NotResource"):
            if prohibited in said:
                raise Malformed(f"Has prohibited field {prohibited}")
        return False, None
    given, inverted = _either(said, "Resource")
    values = _listed(given)
    for one in values:
        if one != "*" and not one.startswith("arn:") and not one.startswith("*") and not one.startswith("${"):
            raise Malformed(f'Resource {one} must be in ARN format or "*".')
    return inverted, [Pattern(one, variables=variables) for one in values]


def _principals(said: dict[str, Any], kind: Kind) -> Principals | None:
    if kind == "identity":
        if "Principal" in said or "NotPrincipal" in said:
            raise Malformed("Policy document should not specify a principal.")
        return None
    given, inverted = _either(said, "Principal")
    if inverted and (kind == "trust" or said.get("Effect") == "Allow"):
        raise Malformed("Allow with NotPrincipal is not allowed." if kind != "trust" else "AssumeRolepolicy has "
                        "prohibited field NotPrincipal")  # fmt: skip
    return Principals(given, inverted=inverted)
