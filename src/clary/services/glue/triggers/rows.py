"""How triggers are kept, and what is shown of them."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import schedule
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException
from clary.services.glue.triggers.hints import TRIGGER

MACHINE: Final = StateMachine(
    "State",
    "CREATED",
    {
        "CREATED": {"ACTIVATED"},
        "ACTIVATED": {"DEACTIVATED"},
        "DEACTIVATED": {"ACTIVATED"},
    },
)
_JOB_STATES: Final = ("SUCCEEDED", "STOPPED", "FAILED", "TIMEOUT")
_CRAWL_STATES: Final = ("SUCCEEDED", "FAILED", "CANCELLED")


def trigger_arn(ctx: Context, name: str) -> str:
    return ctx.arn("glue", f"trigger/{name}")


def find(ctx: Context, name: str) -> Resource:
    """Raises EntityNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, TRIGGER, name)
    except Missing:
        raise EntityNotFoundException(f"Trigger with name {name} not found.") from None


def shown(trigger: Resource) -> Doc:
    """GetTrigger's answer."""
    return {"Name": trigger.name, **trigger.public(), "State": trigger.phase}


def conditions(trigger: Resource) -> list[Doc]:
    return list((trigger.spec.get("Predicate") or {}).get("Conditions") or [])


def watched(spec: Doc) -> list[str]:
    """What the trigger waits for, as `hints.told` calls it."""
    found = (spec.get("Predicate") or {}).get("Conditions") or []
    return sorted({f"glue/{target(one)}" for one in found})


def target(condition: Doc) -> str:
    """What a condition is about: "job/NAME" or "crawler/NAME"."""
    return f"job/{condition['JobName']}" if "JobName" in condition else f"crawler/{condition['CrawlerName']}"


def starts(trigger: Resource, job: str) -> bool:
    """One of its actions starts that job."""
    return any(one.get("JobName") == job for one in trigger.spec["Actions"])


def check(said: Doc) -> None:
    """Raises InvalidInputException for what AWS would refuse, and for what is not served here."""
    kind = said["Type"]
    if kind == "EVENT" or "EventBatchingCondition" in said:
        raise InvalidInputException(
            "Triggers of the type EVENT are not served: let a rule of EventBridge start what should follow"
        )
    if said.get("WorkflowName"):
        raise InvalidInputException("WorkflowName: workflows are not served; use triggers without one, or a pipeline")
    _require(bool(said.get("Actions")), "A trigger needs at least one action")
    for action in said["Actions"]:
        named = [name for name in ("JobName", "CrawlerName") if name in action]
        late = (action.get("NotificationProperty") or {}).get("NotifyDelayAfter", 1)
        _require(late >= 1, "NotifyDelayAfter must be at least one minute")
        _require(len(named) == 1, "Each action starts either a job (JobName) or a crawler (CrawlerName)")
    expression, predicate = said.get("Schedule"), said.get("Predicate") or {}
    _require((kind == "SCHEDULED") == bool(expression), "A Schedule belongs to triggers of the type SCHEDULED")
    if expression:
        _check_schedule(expression)
    _require(
        (kind == "CONDITIONAL") == bool(predicate.get("Conditions")),
        "A Predicate with Conditions belongs to triggers of the type CONDITIONAL",
    )
    several = len(predicate.get("Conditions") or []) > 1
    _require(not several or "Logical" in predicate, "A Predicate with several Conditions needs Logical: AND or ANY")
    for condition in predicate.get("Conditions") or []:
        _check_condition(condition)


def _check_schedule(expression: str) -> None:
    if not expression.strip().startswith("cron("):
        raise InvalidInputException(f"Schedule must be written cron(six fields), not {expression!r}")
    try:
        schedule.parse(expression)
    except ValueError as error:
        raise InvalidInputException(f"Schedule: {error}") from None


def _check_condition(one: Doc) -> None:
    _require(one.get("LogicalOperator", "EQUALS") == "EQUALS", "LogicalOperator of a condition must be EQUALS")
    job, crawler = "JobName" in one, "CrawlerName" in one
    _require(job != crawler, "Each condition is about either a job (JobName) or a crawler (CrawlerName)")
    if job:
        _require("CrawlState" not in one, "CrawlState belongs to conditions with a CrawlerName")
        _require(one.get("State") in _JOB_STATES, f"State of a condition must be one of {', '.join(_JOB_STATES)}")
    else:
        _require("State" not in one, "State belongs to conditions with a JobName")
        states = ", ".join(_CRAWL_STATES)
        _require(one.get("CrawlState") in _CRAWL_STATES, f"CrawlState of a condition must be one of {states}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvalidInputException(otherwise)
