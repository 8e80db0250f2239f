"""A control plane with 100,000 training jobs in its store against one with 1,000: Describe, and ListTrainingJobs in
every order, with every filter, on the first pages and deep ones. Over HTTP, signed, in one run.

Both servers run side by side and are asked in turns, so that whatever else the machine does falls on both; what is
compared is CPU time of the servers a request. The stores are filled by `bench.jobs_filled`, in process.
"""

import json
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import jobs_filled, load, report, servers

PAGE = 20
DEEP_PAGE = 100
BUDGET = 1.3
ORDERS = ("Name", "CreationTime", "Status")
NOT_SERVED_BY_AN_INDEX = ("contains", "wide")
Body = dict[str, object]


def _filters(jobs: int) -> Iterator[tuple[str, Body]]:
    """Filters by name. Windows are the same number of jobs in both stores, or (wide) the same share of them."""
    at = jobs_filled.created
    yield "", {}
    yield "status_completed", {"StatusEquals": "Completed"}
    yield "status_in_progress", {"StatusEquals": "InProgress"}
    yield "created_newest", {"CreationTimeAfter": at(jobs - 200)}
    yield "created_oldest", {"CreationTimeBefore": at(200)}
    yield "created_between", {"CreationTimeAfter": at(jobs // 2 - 100), "CreationTimeBefore": at(jobs // 2 + 100)}
    yield "modified_newest", {"LastModifiedTimeAfter": at(jobs - 200)}
    yield "modified_oldest", {"LastModifiedTimeBefore": at(200)}
    yield "failed_created_newest", {"StatusEquals": "Failed", "CreationTimeAfter": at(jobs - 400)}
    yield "wide_created", {"CreationTimeAfter": at(jobs // 2)}
    yield "wide_modified", {"LastModifiedTimeAfter": at(jobs // 2)}
    yield "contains_team", {"NameContains": "fraud"}
    yield "contains_one", {"NameContains": jobs_filled.name(jobs // 3)[-7:]}
    yield "contains_none", {"NameContains": "no-such-job"}


def _lists(jobs: int) -> Iterator[tuple[str, Body]]:
    for title, body in _filters(jobs):
        for order in ORDERS:
            for way in ("Ascending", "Descending"):
                name = "_".join(part for part in ("list", order, way[:4].rstrip("e"), title) if part).lower()
                yield name, {**body, "SortBy": order, "SortOrder": way, "MaxResults": PAGE}


class _Side:
    """One of the two servers, and what it was measured."""

    def __init__(self, server: servers.Server, jobs: int) -> None:
        self.server = server
        self.jobs = jobs
        self.cost: dict[str, list[float]] = {}

    def requests(self, count: int) -> dict[str, list[bytes]]:
        """By name, so many signed requests."""
        step = max(1, self.jobs // count)
        names = [jobs_filled.name(number * step % self.jobs) for number in range(count)]
        made = {
            "describe": [load.sagemaker(self.server, "DescribeTrainingJob", {"TrainingJobName": one}) for one in names]
        }
        for title, body in _lists(self.jobs):
            made[title] = [load.sagemaker(self.server, "ListTrainingJobs", body)] * count
        for title, body in self._deep():
            made[title] = [load.sagemaker(self.server, "ListTrainingJobs", body)] * count
        return made

    def _deep(self) -> Iterator[tuple[str, Body]]:
        """Pages from the middle of the list, found by walking there."""
        for order in ORDERS:
            for way in ("Ascending", "Descending"):
                body: Body = {"SortBy": order, "SortOrder": way}
                for _ in range(self.jobs // 2 // DEEP_PAGE):
                    answer = self.ask("ListTrainingJobs", {**body, "MaxResults": DEEP_PAGE})
                    body["NextToken"] = answer["NextToken"]
                yield f"list_{order}_{way[:4].rstrip('e')}_deep".lower(), {**body, "MaxResults": PAGE}

    def ask(self, operation: str, body: Body) -> dict[str, Any]:
        """One answer, parsed."""
        head, _, data = load.sagemaker(self.server, operation, body).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        request = urllib.request.Request(self.server.url + "/", data, headers)
        with urllib.request.urlopen(request) as answer:
            told: dict[str, Any] = json.loads(answer.read())
            return told

    def measure(self, title: str, requests: list[bytes]) -> None:
        measured = load.run(self.server, requests, 4)
        self.cost.setdefault(title, []).append(measured.cpu_seconds / len(requests) * 1e6)

    def figures(self) -> dict[str, float]:
        """Microseconds of CPU a request: the median of the rounds."""
        return {title: round(statistics.median(costs), 1) for title, costs in self.cost.items()}


def main(smoke: bool) -> None:
    sizes = (100, 1000) if smoke else (1000, 100_000)
    count, rounds = (4, 1) if smoke else (100, 5)
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch, ExitStack() as stack:
        sides = []
        for jobs in sizes:
            home = Path(scratch) / str(jobs)
            jobs_filled.fill(home, jobs)
            sides.append(_Side(stack.enter_context(servers.clary(home)), jobs))
        asked = [side.requests(count) for side in sides]
        for _ in range(rounds):
            for title in asked[0]:
                for side, requests in zip(sides, asked, strict=True):
                    side.measure(title, requests[title])
        few, many = (side.figures() for side in sides)
    ratios = {title: round(many[title] / few[title], 2) for title in few}
    notes = [f"microseconds of CPU a request; pages of {PAGE}; budget {BUDGET} for what an index serves"]
    over = sorted(
        (
            title
            for title in ratios
            if ratios[title] > BUDGET and not any(one in title for one in NOT_SERVED_BY_AN_INDEX)
        ),
        key=lambda title: -ratios[title],
    )
    notes += [f"over budget: {title} {ratios[title]}" for title in over]
    report.keep("many_jobs", {f"{sizes[0]}_jobs": few, f"{sizes[1]}_jobs": many}, ratios, smoke=smoke, notes=notes)
