"""The container's two commands: `train` runs one job, `serve` answers /ping and /invocations until SIGTERM. Both run a
program of the user instead of the built-in algorithm where there is one (script mode)."""

import os
import sys

from clary.algorithms.contract import AlgorithmError, Contract
from clary.algorithms.toolkit.framework import Framework

XGBOOST = Framework(
    name="XGBoost",
    module="xgboost",
    distribution="xgboost-cpu",
    handlers="clary.algorithms.xgboost.handlers",
    install="pip install 'clary[algorithms]'.",
)


def main(arguments: list[str]) -> int:
    if arguments == ["train"]:
        if _brings_program():
            from clary.algorithms.toolkit import train as script_mode

            return script_mode.main(XGBOOST, os.environ)
        from clary.algorithms.xgboost import train

        return train.main(os.environ)
    if arguments == ["serve"]:
        from clary.algorithms.toolkit import handlers

        if os.environ.get("SAGEMAKER_PROGRAM") or handlers.program(Contract.read(os.environ), os.environ) is not None:
            from clary.algorithms.toolkit import serve as script_serving

            return script_serving.main(XGBOOST, os.environ)
        from clary.algorithms.xgboost import serve

        return serve.main(os.environ)
    print("usage: python -m clary.algorithms.xgboost train|serve", file=sys.stderr)
    return 2


def _brings_program() -> bool:
    from clary.algorithms.toolkit import script

    try:
        return script.asked(Contract.read(os.environ).hyperparameters(), os.environ)
    except AlgorithmError:
        return False  # The algorithm reads the same file, and says what is wrong with it.


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
