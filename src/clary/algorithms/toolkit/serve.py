"""The model server of script mode: the user's functions, or the framework's, behind /invocations."""

import os
from collections.abc import Mapping

from clary.algorithms import many, serve
from clary.algorithms.contract import ClientError, Contract, say, visible_cpus
from clary.algorithms.toolkit import handlers, packages
from clary.algorithms.toolkit.framework import Framework
from clary.algorithms.toolkit.pool import Pool


def main(framework: Framework, environ: Mapping[str, str]) -> int:
    """Serves until SIGTERM; the exit code."""
    contract = Contract.read(environ)
    try:
        framework.check(environ)
        path = handlers.program(contract, environ)
        added = packages.missing(contract, path.parent / "requirements.txt", environ) if path is not None else {}
        workers = _whole(environ, ("SAGEMAKER_MODEL_SERVER_WORKERS", "MODEL_SERVER_WORKERS"), visible_cpus(environ))
        seconds = _whole(environ, ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "MODEL_SERVER_TIMEOUT"), 60)
    except ClientError as error:
        say(str(error), level="ERROR")
        return 1

    def load() -> Pool:
        return Pool(framework.handlers, {**os.environ, **environ, **added}, most=workers, seconds=float(seconds))

    if many.asked(environ):
        return many.run(_one_of_many(framework, environ, seconds), environ, inline_limit=-1)
    # A thread a worker: it sends a request there and waits for the answer.
    return serve.run(load, environ, inline_limit=-1, threads=workers)


def _one_of_many(framework: Framework, environ: Mapping[str, str], seconds: int) -> many.Load:
    """Loads a model into a process of its own: a program that fails takes nobody else's model with it. The program is
    the container's, or stands in the model's own code/."""
    program = Contract.read(environ).root / "code"

    def load(contract: Contract) -> Pool:
        place = {"CLARY_ML_ROOT": str(contract.root), "SM_MODEL_DIR": str(contract.model_dir)}
        own = handlers.program(contract, {name: environ[name] for name in ("SAGEMAKER_PROGRAM",) if name in environ})
        if own is None and program.is_dir():
            place["SAGEMAKER_SUBMIT_DIRECTORY"] = str(program)
        else:
            place["SAGEMAKER_SUBMIT_DIRECTORY"] = ""
        return Pool(framework.handlers, {**os.environ, **environ, **place}, most=1, seconds=float(seconds))

    return load


def _whole(environ: Mapping[str, str], names: tuple[str, ...], default: int) -> int:
    for name in names:
        text = environ.get(name, "").strip()
        if text:
            if not text.isdigit() or int(text) < 1:
                raise ClientError(f"{name}={text!r}: must be a whole number of at least 1")
            return int(text)
    return default
