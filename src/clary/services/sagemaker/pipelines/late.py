"""The engine that walks the graphs, made when the first execution or step is due: a home without pipelines carries
neither the language of definitions nor the types of steps."""

from collections.abc import Mapping
from functools import cached_property

from clary.kernel.reconcile import Reconciler, Step
from clary.kernel.resource import Resource
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.pipelines.machine import EXECUTION, STEP


class Walkers:
    """The reconcilers of executions and steps, over one memory of what they have seen."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    @cached_property
    def made(self) -> Mapping[str, Reconciler]:
        """By kind."""
        from clary.services.sagemaker.pipelines.plans import Plans
        from clary.services.sagemaker.pipelines.reconcile import ExecutionReconciler
        from clary.services.sagemaker.pipelines.seen import Seen
        from clary.services.sagemaker.pipelines.stepping import StepReconciler

        plans, seen = Plans(self._engines.store), Seen(self._engines.store, self._engines.clock)
        return {
            EXECUTION: ExecutionReconciler(self._engines, plans, seen),
            STEP: StepReconciler(self._engines, plans, seen),
        }


class Late:
    """The reconciler of one of these kinds."""

    def __init__(self, walkers: Walkers, kind: str) -> None:
        self._walkers = walkers
        self._kind = kind

    async def __call__(self, resource: Resource) -> Step:
        return await self._walkers.made[self._kind](resource)

    def give_up(self, resource: Resource, error: Exception) -> Step:
        return self._walkers.made[self._kind].give_up(resource, error)
