"""SimulatePrincipalPolicy and SimulateCustomPolicy: the evaluator that decides requests, asked without a request."""

import re
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.policy import Decision, Question, evaluate, matches
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc
from clary.services.iam.api import InvalidInputException, service
from clary.services.iam.pages import of_names
from clary.services.iam.sources import Simulated, Source, keys_of_custom, keys_of_principal, of_custom, of_principal
from clary.services.iam.spans import positions

_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9-]+:[^{},]+)")
_IGNORED: Final = ("ContextEntries.ContextKeyType", "ResourceHandlingOption")


@service.operation("SimulatePrincipalPolicy", ignores=_IGNORED)
async def simulate_principal_policy(ctx: Context, req: Doc) -> Doc:
    """What the user, group or role may do by the policies that it has now, and by `PolicyInputList`. One result for
    each action on each resource. Policies of resources count only if given in `ResourcePolicy`.

    Errors: InvalidInput, NoSuchEntity, ValidationError."""
    return _simulated(ctx, req, of_principal(ctx, req))


@service.operation("SimulateCustomPolicy", ignores=_IGNORED)
async def simulate_custom_policy(ctx: Context, req: Doc) -> Doc:
    """The same of the policies in `PolicyInputList` alone. Errors: InvalidInput, NoSuchEntity, ValidationError."""
    if "OrderedOrganizationPolicyInputList" in req:
        raise NotImplementedHere("Clary has no organizations: leave OrderedOrganizationPolicyInputList out.")
    return _simulated(ctx, req, of_custom(ctx, req))


@service.operation("GetContextKeysForPrincipalPolicy")
async def get_context_keys_for_principal_policy(ctx: Context, req: Doc) -> Doc:
    """The condition keys that the policies of the user, group or role ask for. Errors: InvalidInput, NoSuchEntity."""
    return {"ContextKeyNames": _keys(keys_of_principal(ctx, req))}


@service.operation("GetContextKeysForCustomPolicy")
async def get_context_keys_for_custom_policy(ctx: Context, req: Doc) -> Doc:
    """The condition keys that the policies given ask for. Errors: InvalidInput."""
    return {"ContextKeyNames": _keys(keys_of_custom(req))}


def _keys(sources: list[Source]) -> list[str]:
    """Once each: names do not differ by case."""
    return sorted({key.lower(): key for one in sources for key in _asked(one)}.values())


def _asked(source: Source) -> list[str]:
    """Keys of its conditions and of its variables, as written."""
    return [*source.policy.condition_keys(), *_VARIABLE.findall(source.policy.text)]


def _simulated(ctx: Context, req: Doc, simulated: Simulated) -> Doc:
    if req.get("ResourceOwner", ctx.account).replace("arn:aws:iam::", "").removesuffix(":root") != ctx.account:
        raise NotImplementedHere("Clary has one account: leave ResourceOwner out.")
    for action in req["ActionNames"]:
        if not _ACTION.fullmatch(action):
            raise InvalidInputException(f"Invalid Action: {action} is not of the form service:Operation.")
    given = _context(ctx, req, simulated)
    pairs = [(action, resource) for action in req["ActionNames"] for resource in req.get("ResourceArns") or ["*"]]
    told = {name: value for name, value in req.items() if name not in ("Marker", "MaxItems")}
    listed, answer = of_names(
        req, [f"{number:07}" for number in range(len(pairs))], page.digest("simulation", ctx.account, str(told))
    )
    results = [_result(simulated, given, *pairs[int(number)]) for number in listed]
    return {"EvaluationResults": results, **answer}


def _context(ctx: Context, req: Doc, simulated: Simulated) -> dict[str, tuple[str, ...]]:
    """The values of condition keys, by name in lower case: what is known of the caller under what is given."""
    now = int(ctx.clock.now())
    known: dict[str, Any] = {"aws:epochtime": [str(now)], "aws:currenttime": [str(now)], **simulated.known}
    for entry in req.get("ContextEntries", ()):
        if "ContextKeyName" not in entry:
            raise InvalidInputException("An entry of ContextEntries has no ContextKeyName.")
        known[entry["ContextKeyName"].lower()] = entry.get("ContextKeyValues", [])
    return {name: tuple(values) for name, values in known.items()}


def _result(simulated: Simulated, given: dict[str, tuple[str, ...]], action: str, resource: str) -> Doc:
    question = Question(action, resource, given.get, simulated.who)
    policies, governing = simulated.policies, simulated.governing
    decision = evaluate(policies, governing.policy if governing else None, question)
    told: Doc = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.verdict,
        "MatchedStatements": _matched(simulated, question, decision),
        "MissingContextValues": [key for key in _keys(simulated.sources()) if key.lower() not in given],
    }
    if simulated.bound is not None:
        within = policies.boundary is not None and _allows(simulated.bound, question)
        told["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within}
    return told


def _allows(source: Source, question: Question) -> bool:
    return source.policy.denial(question) is None and bool(source.policy.grant(question)[0])


def _matched(simulated: Simulated, question: Question, decision: Decision) -> list[Doc]:
    """The statements that made the decision: those that allow, or those that deny; none where all are silent."""
    if decision.verdict == "implicitDeny":
        return []
    governing = simulated.governing
    by_name: dict[str, Source] = {one.policy.name: one for one in simulated.sources()}
    found = matches(
        simulated.policies,
        governing.policy if governing else None,
        question,
        deny=decision.verdict == "explicitDeny",
    )
    return [
        {
            "SourcePolicyId": by_name[one.policy.name].id,
            "SourcePolicyType": by_name[one.policy.name].type,
            **positions(one.policy.text, one.statement.index),
        }
        for one in found
    ]
