"""A job of ten ops of Dagster that do nothing, each after the one before; a module, as other processes need it."""

from dagster import In, Nothing, job, multiprocess_executor, op

COUNT = 10


@op
def first() -> None:
    pass


@op(ins={"before": In(Nothing)})
def later() -> None:
    pass


@job(executor_def=multiprocess_executor)
def ten() -> None:
    done = first()
    for number in range(1, COUNT):
        done = later.alias(f"s{number}")(before=done)
