"""Optuna's tree-structured Parzen estimator over a question: it keeps nothing, each question tells it everything."""

import math
import warnings
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from clary.engines.search.base import Point, Question

optuna.logging.set_verbosity(optuna.logging.ERROR)  # Nobody reads that a study was made for each question.

GOOD_SHARE = 0.2
"""The best so many of the points tried are what the next one shall be like; Optuna's own tenth learns too slowly from
the few dozen trials that tuning jobs have."""
MOST_GOOD = 25


def answer(question: Question) -> Point:
    """The point that is worth trying next. Same question, same answer."""
    space = {f"{number:03}": _distribution(categories) for number, categories in enumerate(question.axes)}
    trials = [_trial(number, space, point, value) for number, (point, value) in enumerate(question.tried)]
    trials += [_trial(len(trials) + number, space, point) for number, point in enumerate(question.running)]
    # The one to be found: the sampler wants it among the others.
    mine = _trial(len(trials), space, None)
    study = optuna.create_study(storage=_Told([*trials, mine]))
    found = _sampler(question.seed).sample_relative(study, mine, space)
    return tuple(float(found[name]) for name in space)


def _sampler(seed: int) -> TPESampler:
    with warnings.catch_warnings():
        # What it warns of is young (multivariate, constant_liar) or goes with Optuna 6 (gamma); we ask for less than 5.
        warnings.simplefilter("ignore")
        return TPESampler(seed=seed % 2**32, n_startup_trials=0, multivariate=True, constant_liar=True, gamma=_good)


def _good(count: int) -> int:
    return max(1, min(math.ceil(GOOD_SHARE * count), MOST_GOOD))


def _distribution(categories: int) -> BaseDistribution:
    return CategoricalDistribution(range(categories)) if categories else FloatDistribution(0.0, 1.0)


def _trial(
    number: int, space: dict[str, BaseDistribution], point: Point | None, value: float | None = None
) -> FrozenTrial:
    params: dict[str, Any] = {}
    for (name, distribution), one in zip(space.items(), point or (), strict=False):
        params[name] = int(one) if isinstance(distribution, CategoricalDistribution) else one
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING if value is None else TrialState.COMPLETE,
        value=value,
        datetime_start=None,
        datetime_complete=None,
        params=params,
        distributions=space if params else {},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


class _Told(optuna.storages.BaseStorage):
    """One study whose trials are all there from the beginning. Optuna's own storages check and copy each trial that
    they are given, which costs five times as much as the decision itself."""

    def __init__(self, trials: list[FrozenTrial]) -> None:
        self._trials = trials

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        return 0

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        return "told"

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [StudyDirection.MINIMIZE]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return [one for one in self._trials if states is None or one.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """The sampler leaves a note for other processes; there are none."""

    def _never(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("a study that was told whole is only read")

    delete_study = _never
    set_study_user_attr = _never
    set_study_system_attr = _never
    get_all_studies = _never
    create_new_trial = _never
    set_trial_param = _never
    set_trial_state_values = _never
    set_trial_intermediate_value = _never
    set_trial_user_attr = _never
