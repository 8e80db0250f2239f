"""A Spark without Java: what waits for a job as `clary.algorithms.etl --wait` does, and then becomes its command."""

import sys
from pathlib import Path

from clary.engines.runners.base import Work
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.shape import Job, plain
from clary.engines.spark.warm import Below, WarmSpark
from tests.running import until

CODE = r"""
import json, os, re, sys, time
ml = os.environ.get('CLARY_ML_ROOT', '/opt/ml')
door = ml + '/.spare/'
print('noise of the start', flush=True)
end = time.monotonic() + float(sys.argv[sys.argv.index('--wait') + 1])
open(door + 'ready', 'w').close()
while True:
    if os.path.exists(door + 'handover'):
        os.ftruncate(1, 0)
        try:
            with open(door + 'handover') as file:
                told = json.load(file)
            os.rename(door + 'handover', door + 'taken')
            break
        except FileNotFoundError:
            pass
    if time.monotonic() > end:
        sys.exit(0)
    time.sleep(0.003)
here = lambda text: re.sub('/opt/ml(?![A-Za-z0-9_.-])', lambda _: ml, text)
given = {name: here(value) for name, value in told['env'].items()}
if 'PATH' in given:
    given['PATH'] = os.environ['PATH'].partition(':')[0] + ':' + given['PATH']
command = [here(word) for word in told['command']]
try:
    os.chdir(here(told['cwd']))
    os.execvpe(command[0], command, {**os.environ, **given})
except OSError as error:
    print(f'{command[0]}: {error.strerror}', file=sys.stderr, flush=True)
    os._exit(127 if isinstance(error, FileNotFoundError) else 126)
"""
PROGRAM = ("-S", "-c", CODE)


class _Settings(SparkSettings):
    """What takes work here needs to be told nothing."""

    def given(self) -> tuple[dict[str, str], tuple[Path, ...]]:
        return {}, ()


def warm(below: Below, *, spares: int = 1, idle_seconds: float = 60.0) -> WarmSpark:
    """A WarmSpark over the stand-in, for which all work is Spark's."""
    settings = _Settings(Path("/nowhere"), spares=spares, idle_seconds=idle_seconds, archives=False)
    return WarmSpark(below, settings, program=PROGRAM, reads=lambda work: Job(plain(work)))


async def spare(runner: WarmSpark, work: Work | None = None) -> str:
    """The uid of a spare that is up, for work of that kind."""
    made = await runner.ahead(work or Work(command=(sys.executable,)))
    assert made is not None
    await until(lambda: runner.ready(made), "a spare is up")
    return made
