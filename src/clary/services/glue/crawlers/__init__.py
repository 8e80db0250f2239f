"""Crawlers and classifiers: from the files of a lake to tables of the catalog."""

from collections.abc import Mapping
from typing import Final

from clary.kernel.reconcile import Reconciler
from clary.kernel.resource import StateMachine
from clary.services.glue.crawlers import classifiers, heralds, history, operations, running
from clary.services.glue.crawlers.reconcile import CrawlerReconciler
from clary.services.glue.crawlers.rows import CRAWL, CRAWL_MACHINE, CRAWLER, MACHINE, Crawling

MACHINES: Final[Mapping[str, StateMachine]] = {CRAWLER: MACHINE, CRAWL: CRAWL_MACHINE}


def reconcilers(crawling: Crawling) -> dict[str, Reconciler]:
    return {CRAWLER: CrawlerReconciler(crawling)}


__all__ = ["MACHINES", "Crawling", "classifiers", "heralds", "history", "operations", "reconcilers", "running"]
