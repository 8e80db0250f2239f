"""The policies of a simulation: where each comes from, and what the simulated caller is known by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from clary.aws.policy import Kind, Malformed, Policies, Policy, Who, parse
from clary.aws.policy.wildcard import Pattern
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.iam import managed
from clary.services.iam.api import InvalidInputException
from clary.services.iam.effective import StoredIdentities
from clary.services.iam.entities import GROUP, ROLE, USER, Family, attached, boundary, inline, named, tags
from clary.services.iam.groups import groups_of

_FAMILIES: Final = {family.kind: family for family in (USER, GROUP, ROLE)}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a policy of the simulation comes from, in the words of `MatchedStatements`."""

    policy: Policy
    id: str
    type: str


@dataclass(frozen=True, slots=True)
class Simulated:
    """Who is simulated, and under which policies."""

    identity: Sequence[Source]
    bound: Source | None = None
    governing: Source | None = None
    who: Who = field(default_factory=Who)
    known: Doc = field(default_factory=dict)
    """Condition keys (lower case) that follow from who it is: lists of values."""

    @property
    def policies(self) -> Policies:
        bound = None if self.bound is None else self.bound.policy
        return Policies(tuple(one.policy for one in self.identity), bound)

    def sources(self) -> list[Source]:
        return [*self.identity, *(one for one in (self.bound, self.governing) if one is not None)]


def of_custom(ctx: Context, req: Doc) -> Simulated:
    """As SimulateCustomPolicy asks. Raises InvalidInputException, NoSuchEntityException."""
    caller = _entity(ctx, req["CallerArn"]) if "CallerArn" in req else None
    governing = _governing(req)
    if governing is not None and caller is None:
        raise InvalidInputException("CallerArn is required with a ResourcePolicy: its Principal is held against it.")
    bound = _input(req, "PermissionsBoundaryPolicyInputList")
    who, known = (_who(caller), _known(caller)) if caller is not None else (Who(), {})
    return Simulated(_input(req, "PolicyInputList"), bound[0] if bound else None, governing, who, known)


def of_principal(ctx: Context, req: Doc) -> Simulated:
    """As SimulatePrincipalPolicy asks: what is attached now, and what `PolicyInputList` adds. Raises
    InvalidInputException, NoSuchEntityException."""
    entity = _entity(ctx, req["PolicySourceArn"])
    caller = _entity(ctx, req["CallerArn"]) if "CallerArn" in req else entity
    excluded = req.get("PolicyExclusionList", ())
    carried = [one for one in _carried(ctx, entity) if not any(_excludes(entry, one) for entry in excluded)]
    bounding = [one for one in _bounding(ctx, entity) if not any(_excludes_boundary(entry, one) for entry in excluded)]
    bound = _input(req, "PermissionsBoundaryPolicyInputList") or bounding
    identity = [*carried, *_input(req, "PolicyInputList")]
    return Simulated(identity, bound[0] if bound else None, _governing(req), _who(caller), _known(caller))


def _excludes(entry: Doc, source: Source) -> bool:
    """`source` is a policy that is attached or inline. Raises InvalidInputException."""
    if len(entry) != 1:
        raise InvalidInputException("An entry of PolicyExclusionList names one of its three kinds of identifiers.")
    if "PolicyType" in entry:
        wanted = entry["PolicyType"]
        return source.type in _FAMILIES if wanted == "inline" else source.type == wanted
    if "PolicyArn" in entry:
        return _like(entry["PolicyArn"], source.policy.name)
    if source.type not in _FAMILIES:
        return False
    identifier = entry["InlinePolicyIdentifier"]
    wanted = "_".join(identifier[name] for name in ("AttachmentType", "AttachmentName", "PolicyName"))
    return _like(wanted, source.id)


def _excludes_boundary(entry: Doc, source: Source) -> bool:
    if "PolicyType" in entry:
        return bool(entry["PolicyType"] == "permission-boundary")
    return "PolicyArn" in entry and _like(entry["PolicyArn"], source.policy.name)


def _like(pattern: str, text: str) -> bool:
    return Pattern(pattern, variables=False).matches(text, lambda key: None)


def keys_of_principal(ctx: Context, req: Doc) -> list[Source]:
    """The policies whose condition keys GetContextKeysForPrincipalPolicy tells."""
    entity = _entity(ctx, req["PolicySourceArn"])
    return [*_carried(ctx, entity), *_bounding(ctx, entity), *_input(req, "PolicyInputList")]


def keys_of_custom(req: Doc) -> list[Source]:
    return _input(req, "PolicyInputList")


def _entity(ctx: Context, arn: str) -> Resource:
    """The user, group or role of that ARN. Raises InvalidInputException, NoSuchEntityException."""
    parts = arn.split(":", 5)
    kind, _, rest = parts[-1].partition("/")
    family: Family | None = _FAMILIES.get(kind)
    if len(parts) != 6 or parts[2] != "iam" or family is None or not rest:
        raise InvalidInputException(
            f"Invalid Entity Arn: {arn} does not clearly define entity type and name: give the ARN of a user, a group"
            " or a role."
        )
    found = named(ctx, family, rest.rpartition("/")[2])
    if found.arn != arn:
        raise family.missing(rest)
    return found


def _carried(ctx: Context, entity: Resource) -> Iterator[Source]:
    """The policies of a user, a group or a role; a user's groups' among them."""
    carriers = [entity, *(groups_of(ctx, entity) if entity.kind == USER.kind else ())]
    for one in carriers:
        for name, text in inline(one).items():
            label = f"{one.kind}_{one.name}_{name}"
            yield Source(_compiled(text, "identity", label), label, one.kind)
        for arn in attached(one):
            yield from _managed(ctx, arn)


def _bounding(ctx: Context, entity: Resource) -> Iterator[Source]:
    arn = boundary(entity) if entity.kind != GROUP.kind else None
    if arn is not None:
        yield from _managed(ctx, arn)


def _managed(ctx: Context, arn: str) -> Iterator[Source]:
    text = StoredIdentities(ctx.store, ctx.account).document(arn)
    if text is not None:
        kind = "aws-managed" if arn.startswith(managed.PREFIX) else "user-managed"
        yield Source(_compiled(text, "identity", arn), arn.rpartition("/")[2], kind)


def _input(req: Doc, member: str) -> list[Source]:
    labels = {f"{member}.{number}": text for number, text in enumerate(req.get(member, ()), 1)}
    return [Source(_compiled(text, "identity", label), label, "none") for label, text in labels.items()]


def _governing(req: Doc) -> Source | None:
    if "ResourcePolicy" not in req:
        return None
    return Source(_compiled(req["ResourcePolicy"], "resource", "ResourcePolicy"), "ResourcePolicy", "resource")


def _compiled(text: str, kind: Kind, label: str) -> Policy:
    try:
        return parse(text, kind, label)
    except Malformed as error:
        raise InvalidInputException(f"{label}: {error}") from None


def _who(entity: Resource) -> Who:
    """As policies of resources may name it: a role by its own ARN, as for any of its sessions."""
    if entity.kind == USER.kind:
        return Who(entity.account, own=entity.arn)
    return Who(entity.account, role=entity.arn) if entity.kind == ROLE.kind else Who(entity.account)


def _known(entity: Resource) -> Doc:
    known: Doc = {"aws:principalaccount": [entity.account]}
    if entity.kind == GROUP.kind:
        return known
    known |= {f"aws:principaltag/{tag['Key'].lower()}": [tag["Value"]] for tag in tags(entity)}
    known |= {"aws:principalarn": [entity.arn]}
    if entity.kind == USER.kind:
        known |= {
            "aws:username": [entity.name],
            "aws:userid": [entity.status["UserId"]],
            "aws:principaltype": ["User"],
        }
    else:
        known |= {"aws:principaltype": ["AssumedRole"]}
    return known
