"""Ray Serve: two replicas, batches of 64 requests or 5 ms."""

import os
import time

import ray
from handler import Cars as Model
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=2, max_ongoing_requests=200, ray_actor_options={"num_cpus": 0.5})
class Cars:
    def __init__(self) -> None:
        self._model = Model()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.005)
    async def labels(self, given: list) -> list:
        rows = [row for one in given for row in one]
        found, labels, at = [], self._model.labels(rows), 0
        for one in given:
            found.append(labels[at : at + len(one)])
            at += len(one)
        return found

    async def __call__(self, request: Request) -> dict:
        return {"labels": await self.labels((await request.json())["rows"])}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": os.environ["MODELS"]}})
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(Cars.bind(), route_prefix="/predict")
    while True:
        time.sleep(60)
