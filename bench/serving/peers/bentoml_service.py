import bentoml
from handler import Cars as Model


@bentoml.service(workers=2, traffic={"timeout": 60}, metrics={"enabled": True}, logging={"access": {"enabled": False}})
class Cars:
    def __init__(self) -> None:
        self._model = Model()

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=5000)
    def predict(self, rows: list[list[str]]) -> list[str]:
        return self._model.labels(rows)
