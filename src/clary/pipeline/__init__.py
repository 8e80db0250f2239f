"""Pipelines written in plain Python, and the language of pipeline definitions. Imports the standard library alone.

    from clary.pipeline import Parameter, Pipeline, condition, fail, register, step, xgboost

Names are loaded when they are first used, so that whoever needs the language alone pays for nothing else."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clary.pipeline.branches import condition as condition
    from clary.pipeline.branches import fail as fail
    from clary.pipeline.functions import step as step
    from clary.pipeline.inline import NeedsServer as NeedsServer
    from clary.pipeline.inline import Outcome as Outcome
    from clary.pipeline.inline import StandIn as StandIn
    from clary.pipeline.jobs import training as training
    from clary.pipeline.jobs import transform as transform
    from clary.pipeline.jobs import tuning as tuning
    from clary.pipeline.jobs import xgboost as xgboost
    from clary.pipeline.models import endpoint as endpoint
    from clary.pipeline.models import model as model
    from clary.pipeline.models import register as register
    from clary.pipeline.nodes import Options as Options
    from clary.pipeline.nodes import Retry as Retry
    from clary.pipeline.pipeline import Pipeline as Pipeline
    from clary.pipeline.values import Parameter as Parameter
    from clary.pipeline.values import execution as execution
    from clary.pipeline.values import join as join

_WHERE = {
    "NeedsServer": "inline",
    "Options": "nodes",
    "Outcome": "inline",
    "Parameter": "values",
    "Pipeline": "pipeline",
    "Retry": "nodes",
    "StandIn": "inline",
    "condition": "branches",
    "endpoint": "models",
    "execution": "values",
    "fail": "branches",
    "join": "values",
    "model": "models",
    "register": "models",
    "step": "functions",
    "training": "jobs",
    "transform": "jobs",
    "tuning": "jobs",
    "xgboost": "jobs",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
