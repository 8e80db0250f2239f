"""What experiments, trials and trial components are called, and finding them.

Their names are unique without regard to case: a row is named by its name in lower case, and so is its ARN; what is
shown is the name as it was first written. That a component belongs to a trial is a row of its own (ASSOCIATION), the
only place where it is said, so no crash leaves one half of it:

    name    "<trial>/<component>"           a trial's components by name
    phase   "<trial>"                       a trial's components by time
    parent  "<experiment>"                  an experiment's components by time
    status  {"_refers": ["<component>"]}    a component's trials
    spec    {"TrialName", "ExperimentName"} as they are written
"""

from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker.errors import ResourceNotFound

EXPERIMENT: Final = "experiment"
TRIAL: Final = "experiment-trial"
COMPONENT: Final = "experiment-trial-component"
ASSOCIATION: Final = "experiment-association"
LONGEST: Final = 120
"""Characters of a name."""
_WORDS: Final = {EXPERIMENT: "Experiment", TRIAL: "Trial", COMPONENT: "Trial component"}


def key(name: str) -> str:
    """What the row of that name is called; an ARN stands for the name in it."""
    return name.rpartition("/")[2].lower()


def arn(account: str, region: str, kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{region}:{account}:{kind}/{key(name)}"


def find(ctx: Context, kind: str, name: str) -> Resource:
    """Raises ResourceNotFound in AWS's words."""
    try:
        return ctx.store.get(ctx.account, ctx.region, kind, key(name))
    except Missing:
        raise ResourceNotFound(f"{_WORDS[kind]} '{name}' does not exist.") from None


def taken(kind: str, name: str) -> str:
    """What Create says of a name that is there; the SDK goes on with what is there when it reads "already exists"."""
    word = _WORDS[kind]
    return f"{word} names must be unique within an AWS account and region. {word} with name ({name}) already exists."


def by(ctx: Context) -> Doc:
    """UserContext: who made the request."""
    return {"IamIdentity": {"Arn": ctx.principal.arn, "PrincipalId": ctx.principal.user_id}}


def associations_of(store: Store, component: Resource) -> list[Resource]:
    """Of the trials that the component belongs to, by the trial's name."""
    return store.referring(component.account, component.region, ASSOCIATION, component.name)
