"""Model-based search: repeatable, better than chance, in a process that comes and goes."""

import math
import os
import random
import signal
import statistics
from collections.abc import Callable, Iterator, Sequence

import psutil
import pytest

from clary.engines.search import tpe
from clary.engines.search.base import Point, Question
from clary.engines.search.process import SearchProcess


@pytest.fixture(scope="module")
def search() -> Iterator[SearchProcess]:
    made = SearchProcess()
    yield made
    made.close()


def question(count: int = 20, seed: int = 3) -> Question:
    drawn = random.Random(5)
    tried = [((drawn.random(), drawn.random(), float(drawn.randrange(3))), drawn.random()) for _ in range(count)]
    return Question(axes=(0, 0, 3), tried=tried, running=[(0.5, 0.5, 1.0)], seed=seed)


async def test_the_same_question_has_the_same_answer_in_every_process(search: SearchProcess) -> None:
    said = await search.next(question())
    assert said == await search.next(question()) == tpe.answer(question())
    assert said != await search.next(question(seed=4))
    assert len(said) == 3
    assert 0 <= said[0] <= 1
    assert said[2] in (0.0, 1.0, 2.0)


async def test_a_process_that_was_killed_is_replaced(search: SearchProcess) -> None:
    before = await search.next(question())
    assert search.pid is not None
    child = psutil.Process(search.pid)
    os.kill(child.pid, signal.SIGKILL)
    psutil.wait_procs([child], timeout=10)
    assert await search.next(question()) == before
    assert search.pid not in (None, child.pid)


async def test_nobody_asks_so_there_is_no_process() -> None:
    idle = SearchProcess(idle_seconds=0.01)
    await idle.next(question())
    assert idle._process._child is not None
    idle._process._child.wait(timeout=10)
    assert idle.pid is None
    assert await idle.next(question()) == tpe.answer(question())
    idle.close()


async def test_the_process_ends_when_its_maker_closes_it() -> None:
    made = SearchProcess()
    await made.next(question())
    child = psutil.Process(made.pid)
    made.close()
    assert not child.is_running()


def bowl(point: Point) -> float:
    return sum(weight * (one - at) ** 2 for one, at, weight in zip(point, (0.3, 0.7, 0.2), (3, 1, 0.5), strict=True))


def valley(point: Point) -> float:
    """Branin's function over the unit square, and an axis that changes nothing."""
    x, y = point[0] * 15 - 5, point[1] * 15
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.397887


@pytest.mark.parametrize("function", [bowl, valley])
def test_its_regret_is_a_third_of_that_of_chance(function: Callable[[Point], float]) -> None:
    def best(seed: int, ask: bool) -> float:
        drawn = random.Random(seed)
        tried: list[tuple[Point, float]] = []
        for _ in range(40):
            point: Sequence[float] = [drawn.random() for _ in range(3)]
            if ask and len(tried) >= 6:
                point = tpe.answer(Question((0, 0, 0), tried, (), seed + len(tried)))
            tried.append((tuple(point), function(tuple(point))))
        return min(value for _, value in tried)

    searched, drawn = (statistics.median(best(seed, ask) for seed in range(9)) for ask in (True, False))
    assert searched < drawn / 3
