"""Decisions: cases that AWS documents, a second evaluation written differently, and laws that must always hold."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.aws.policy import Malformed, Policies, Policy, Question, Who, evaluate, matches, parse

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
AS_USER = Who(ACCOUNT, USER)
AS_ROLE = Who(ACCOUNT, SESSION, ROLE)
THING = "arn:aws:s3:::b/k"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": THING}


def made(*statements: dict[str, Any], kind: Any = "identity") -> Policy:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind)


def asked(who: Who = AS_USER, action: str = "s3:GetObject", resource: str = THING, **keys: str) -> Question:
    return Question(action, resource, {name: (value,) for name, value in keys.items()}.get, who)


def carried(principal: Any, effect: str = "Allow") -> Policy:
    return made({**READ, "Effect": effect, "Principal": principal}, kind="resource")


@pytest.mark.parametrize(
    ("statement", "action", "resource", "verdict"),
    [
        (READ, "s3:GetObject", THING, "allowed"),
        (READ, "S3:getobject", THING, "allowed"),
        (READ, "s3:GetObject", THING.upper(), "implicitDeny"),
        (READ, "s3:PutObject", THING, "implicitDeny"),
        ({**READ, "Action": ["iam:*", "s3:*"]}, "s3:GetObject", THING, "allowed"),
        ({**READ, "Action": "*"}, "s3:GetObject", THING, "allowed"),
        ({**READ, "Effect": "Deny"}, "s3:GetObject", THING, "explicitDeny"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "s3:GetObject", THING, "allowed"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "iam:GetRole", THING, "implicitDeny"),
        (
            {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"},
            "s3:GetObject",
            THING,
            "implicitDeny",
        ),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::c/*"}, "s3:GetObject", THING, "allowed"),
        ({**READ, "Resource": "arn:aws:s3:::b/?"}, "s3:GetObject", THING, "allowed"),
        (READ, "s3:ListAllMyBuckets", "*", "implicitDeny"),
    ],
)
def test_one_statement(statement: dict[str, Any], action: str, resource: str, verdict: str) -> None:
    assert evaluate(Policies((made(statement),)), None, asked(AS_USER, action, resource)).verdict == verdict


def test_a_denial_says_where_it_stands() -> None:
    allow, deny = made(READ), made({**READ, "Effect": "Deny"})
    cases = [
        (Policies((allow, deny)), None, "with an explicit deny in an identity-based policy"),
        (Policies((allow,), deny), None, "with an explicit deny in a permissions boundary"),
        (Policies((allow,), None, (deny,)), None, "with an explicit deny in a session policy"),
        (Policies((allow,)), carried("*", "Deny"), "with an explicit deny in a resource-based policy"),
        (Policies(), None, "because no identity-based policy allows the s3:GetObject action"),
        (Policies((allow,), made({**READ, "Action": "s3:Put*"})), None, "because no permissions boundary allows"),
        (Policies((allow,), None, ()), None, "because no session policy allows"),
    ]
    for policies, governing, words in cases:
        decision = evaluate(policies, governing, asked())
        assert not decision.allowed and words in decision.because


@pytest.mark.parametrize(
    ("who", "principal", "alone", "bounded", "in_session"),
    [
        # (the caller, whom the resource names) -> allowed without own policies; with a silent boundary; session policy
        (AS_USER, {"AWS": USER}, True, True, True),
        (AS_USER, {"AWS": ACCOUNT}, False, False, False),
        (AS_USER, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False, False, False),
        (AS_USER, "*", True, True, True),
        (AS_USER, {"AWS": "*"}, True, True, True),
        (AS_USER, {"AWS": ROLE}, False, False, False),
        (AS_USER, {"Service": "sagemaker.amazonaws.com"}, False, False, False),
        (AS_ROLE, {"AWS": SESSION}, True, True, True),
        (AS_ROLE, {"AWS": ROLE}, True, False, False),
        (AS_ROLE, {"AWS": ["210987654321", ROLE]}, True, False, False),
        (AS_ROLE, "*", True, False, False),
        (AS_ROLE, {"AWS": ACCOUNT}, False, False, False),
        (Who(service="sagemaker.amazonaws.com"), {"Service": "sagemaker.amazonaws.com"}, True, True, True),
        (Who(service="glue.amazonaws.com"), {"Service": "sagemaker.amazonaws.com"}, False, False, False),
        (Who(), "*", True, True, True),
        (Who(), {"AWS": ACCOUNT}, False, False, False),
    ],
)
def test_a_resources_policy_names_its_callers(
    who: Who, principal: Any, alone: bool, bounded: bool, in_session: bool
) -> None:
    governing, other = carried(principal), made({**READ, "Action": "s3:PutObject"})
    assert evaluate(Policies(), governing, asked(who)).allowed == alone
    assert evaluate(Policies((), other), governing, asked(who)).allowed == bounded
    assert evaluate(Policies((), None, (other,)), governing, asked(who)).allowed == in_session


def test_a_trust_policy_must_speak_and_the_account_must_agree() -> None:
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    own = Policies((made({**assume, "Resource": "*"}),))

    def may(principal: Any, policies: Policies, **condition: Any) -> bool:
        trust = made({**assume, "Principal": principal, **condition}, kind="trust")
        question = asked(AS_USER, "sts:AssumeRole", ROLE, **{"sts:externalid": "42"})
        return evaluate(policies, trust, question, trusted_only=True).allowed

    assert may({"AWS": ACCOUNT}, own)
    assert not may({"AWS": ACCOUNT}, Policies())
    assert may({"AWS": USER}, Policies())
    assert not may({"AWS": ROLE}, own)
    assert may({"AWS": USER}, own, Condition={"StringEquals": {"sts:ExternalId": "42"}})
    assert not may({"AWS": USER}, own, Condition={"StringEquals": {"sts:ExternalId": "43"}})


def test_not_principal_spares_who_is_listed_by_every_name() -> None:
    def denied(who: Who, *listed: str) -> bool:
        deny = {**READ, "Effect": "Deny", "NotPrincipal": {"AWS": list(listed)}}
        policy = made(deny, kind="resource")
        return evaluate(Policies((made(READ),)), policy, asked(who)).verdict == "explicitDeny"

    assert not denied(AS_USER, ACCOUNT, USER)
    assert denied(AS_USER, ACCOUNT)
    assert denied(AS_USER, USER)
    assert not denied(AS_ROLE, ACCOUNT, ROLE, SESSION)
    assert denied(AS_ROLE, ACCOUNT, ROLE)
    assert denied(Who(), ACCOUNT, USER)


def test_what_matched_can_be_shown() -> None:
    allow, deny = made(READ), made({**READ, "Sid": "no", "Effect": "Deny"})
    policies = Policies((allow, deny))
    assert [one.statement.sid for one in matches(policies, None, asked(), deny=True)] == ["no"]
    assert [(one.source, one.policy) for one in matches(policies, None, asked(), deny=False)] == [("identity", allow)]


def test_a_policy_tells_its_condition_keys() -> None:
    statement = {**READ, "Resource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"}
    policy = made({**statement, "Condition": {"Bool": {"aws:SecureTransport": "true"}}})
    assert policy.condition_keys() == ["aws:SecureTransport", "aws:principaltag/team"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "invalid Json"),
        ("[" * 100_000, "invalid Json"),
        ('{"Version": "2012-10-17", "Version": "2012-10-17"}', "invalid Json"),
        ('{"Statement": NaN}', "invalid Json"),
        ("[]", "Syntax errors"),
        ('{"Statement": []}', "Missing required field Statement"),
        ('{"Versoin": "x", "Statement": []}', "Versoin"),
        ('{"Version": "2020-01-01", "Statement": []}', "valid version"),
        (json.dumps({"Statement": {**READ, "Effect": "Maybe"}}), "Effect"),
        (json.dumps({"Statement": {**READ, "Actoin": "x"}}), "Actoin"),
        (json.dumps({"Statement": {**READ, "NotAction": "x"}}), "either Action or NotAction"),
        (json.dumps({"Statement": {**READ, "Action": "GetObject"}}), "prefaced by a vendor"),
        (json.dumps({"Statement": {**READ, "Action": []}}), "Syntax errors"),
        (json.dumps({"Statement": {**READ, "Resource": "b/k"}}), "ARN format"),
        (json.dumps({"Statement": {**READ, "Principal": "*"}}), "should not specify a principal"),
        (json.dumps({"Statement": {**READ, "Sid": "no spaces"}}), "alpha-numeric"),
        (json.dumps({"Statement": [{**READ, "Sid": "a"}, {**READ, "Sid": "a"}]}), "must be unique"),
    ],
)
def test_what_is_no_policy_is_refused(document: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        parse(document)


@pytest.mark.parametrize("principal", [{}, "ann", {"AWS": "ann"}, {"aws": USER}, {"AWS": 5}, [USER]])
def test_who_is_nobody_is_refused(principal: Any) -> None:
    with pytest.raises(Malformed, match="Invalid principal"):
        carried(principal)


# -- laws, over generated policies ------------------------------------------------------------------------------------

NAMES = st.sampled_from(["s3:Get", "s3:GetX", "s3:Put", "iam:Get", "s3:*", "*", "s3:G*", "s3:?et"])
ARNS = st.sampled_from(["*", "arn:a", "arn:b", "arn:*", "arn:?", "arn:b*"])
PRINCIPALS = st.sampled_from(["*", {"AWS": USER}, {"AWS": ROLE}, {"AWS": SESSION}, {"AWS": ACCOUNT}])
CONDITIONS = st.sampled_from(
    [None, {"StringEquals": {"aws:k": "v"}}, {"StringNotEquals": {"aws:k": "v"}}, {"Null": {"aws:k": "true"}}]
)


def lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


@st.composite
def statements(draw: st.DrawFn, principal: bool = False) -> dict[str, Any]:
    said = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    said[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(lists(NAMES))
    said[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(lists(ARNS))
    if principal:
        said["Principal"] = draw(PRINCIPALS)
    condition = draw(CONDITIONS)
    return said if condition is None else {**said, "Condition": condition}


def documents(principal: bool = False) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(statements(principal), min_size=1, max_size=3)


CASE = {
    "identity": st.lists(documents(), max_size=2),
    "boundary": st.none() | documents(),
    "session": st.none() | st.lists(documents(), max_size=2),
    "governing": st.none() | documents(principal=True),
    "who": st.sampled_from([AS_USER, AS_ROLE]),
    "action": st.sampled_from(["s3:Get", "s3:Put", "iam:Get", "S3:GETX"]),
    "resource": st.sampled_from(["arn:a", "arn:b", "arn:bb", "*"]),
    "value": st.sampled_from([None, "v", "w"]),
}


def decided(case: dict[str, Any], trusted_only: bool = False) -> str:
    policies = Policies(
        tuple(made(*one) for one in case["identity"]),
        None if case["boundary"] is None else made(*case["boundary"]),
        None if case["session"] is None else tuple(made(*one) for one in case["session"]),
    )
    governing = None if case["governing"] is None else made(*case["governing"], kind="resource")
    question = asked(
        case["who"], case["action"], case["resource"], **({"aws:k": case["value"]} if case["value"] else {})
    )
    return evaluate(policies, governing, question, trusted_only=trusted_only).verdict


def naive(case: dict[str, Any]) -> str:
    """The same, statement by statement in plain words: sets of effects instead of early returns."""

    def many(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    def applies(one: dict[str, Any]) -> bool:
        def named(what: str, text: str) -> bool:
            inverse = f"Not{what}" in one
            return any(fnmatchcase(text, each) for each in many(one[f"Not{what}" if inverse else what])) != inverse

        lowered = {**one, **{key: [x.lower() for x in many(one[key])] for key in ("Action", "NotAction") if key in one}}
        action = any(
            fnmatchcase(case["action"].lower(), each) for each in lowered.get("Action", lowered.get("NotAction"))
        ) != ("NotAction" in one)
        value = case["value"]
        match next(iter(one.get("Condition", {"None": 0}))):
            case "StringEquals":
                condition = value == "v"
            case "StringNotEquals":
                condition = value != "v"
            case "Null":
                condition = value is None
            case _:
                condition = True
        return action and named("Resource", case["resource"]) and condition

    def effects(document: list[dict[str, Any]] | None) -> set[str]:
        return {one["Effect"] for one in document or [] if applies(one)}

    who: Who = case["who"]
    naming = {"self": {who.own}, "role": {who.role} - {""}, "account": {ACCOUNT}}

    def by(level: str) -> bool:
        for one in case["governing"] or []:
            if applies(one) and one["Effect"] == "Allow":
                principal = one["Principal"]
                if level == "everybody" and principal == "*":
                    return True
                if level != "everybody" and principal != "*" and principal["AWS"] in naming[level]:
                    return True
        return False

    named = {"*", *naming["self"], *naming["role"], ACCOUNT}
    denied = {
        one["Effect"]
        for one in case["governing"] or []
        if applies(one) and (one["Principal"] if one["Principal"] == "*" else one["Principal"]["AWS"]) in named
    }
    own = set().union(*(effects(one) for one in case["identity"])) if case["identity"] else set()
    session = None if case["session"] is None else set().union(set(), *(effects(one) for one in case["session"]))
    if "Deny" in own | effects(case["boundary"]) | (session or set()) | denied:
        return "explicitDeny"
    outright = by("self") or (by("everybody") and not who.role)
    through_role = by("role") or by("everybody")
    bounded = case["boundary"] is None or "Allow" in effects(case["boundary"])
    in_session = session is None or "Allow" in session
    allowed = outright or (("Allow" in own or through_role) and bounded and in_session)
    return "allowed" if allowed else "implicitDeny"


@settings(max_examples=400, deadline=None)
@given(st.fixed_dictionaries(CASE))
def test_a_second_evaluation_says_the_same(case: dict[str, Any]) -> None:
    assert decided(case) == naive(case)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries(CASE), statements().map(lambda one: {**one, "Effect": "Deny"}))
def test_one_more_deny_never_allows_more(case: dict[str, Any], deny: dict[str, Any]) -> None:
    before = decided(case)
    for where in ("identity", "session"):
        after = decided({**case, where: [*(case[where] or []), [deny]]}) if case[where] is not None else before
        assert after == "explicitDeny" if after != before else True
        assert not (after == "allowed" and before != "allowed")


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries(CASE), documents())
def test_a_boundary_or_a_session_policy_never_allows_more(case: dict[str, Any], bound: list[dict[str, Any]]) -> None:
    free = decided({**case, "boundary": None, "session": None})
    for more in ({"boundary": bound, "session": None}, {"boundary": None, "session": [bound]}):
        assert decided({**case, **more}) != "allowed" or free == "allowed"
