"""The backlog of all asynchronous endpoints, put together."""

import asyncio

from clary.aws.service import Context
from clary.kernel.metrics import MetricSink
from clary.kernel.resource import Doc
from clary.services.sagemaker.asynchronous.accepting import Accepting
from clary.services.sagemaker.asynchronous.measures import Measures
from clary.services.sagemaker.asynchronous.pump import Pump
from clary.services.sagemaker.asynchronous.reconcile import InvocationReconciler
from clary.services.sagemaker.engines import Engines


class Backlog:
    """Implements the port of InvokeEndpointAsync; `run` works it off, and `reconciler` ends what is worked off."""

    def __init__(self, engines: Engines, sink: MetricSink) -> None:
        measures = Measures(sink, engines.clock)
        self.pump = Pump(engines, measures)
        self.reconciler = InvocationReconciler(engines, self.pump.flies, measures)
        self._accepting = Accepting(engines, self.pump.accepted)

    async def accept(self, ctx: Context, req: Doc) -> Doc:
        """The request is stored durably; the answer of InvokeEndpointAsync. Raises ServiceError."""
        return await self._accepting.accept(ctx, req)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: what has an instance to go to goes there."""
        await self.pump.run(stop)
