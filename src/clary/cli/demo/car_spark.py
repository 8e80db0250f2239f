"""`clary demo car-evaluation` where Spark can run: the steps of the example, a Glue job and three containers."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clary.cli.demo import car
from clary.cli.demo.car_workshop import Failed, Workshop
from clary.cli.demo.shared import DemoFailed, until_endpoint_is_gone
from clary.cli.demo.stage import Stage


@dataclass
class CarBySpark:
    """One run of the demonstration. Every name carries `run`, so runs never meet."""

    client: Callable[[str], Any]
    region: str
    run: str
    stage: Stage

    def __post_init__(self) -> None:
        self.name = f"car-evaluation-{self.run}"
        script = Path(__file__).with_name("car_prepare.py")
        self.shop = Workshop(self.client, self.region, self.name, self.name, self.name, script)

    def play(self) -> dict[str, Any]:
        """Everything but the clean-up. Answers what was measured."""
        try:
            return self._play()
        except Failed as error:
            raise DemoFailed(str(error)) from error

    def clean_up(self) -> None:
        """Nothing that `play` made is left, wherever it stopped."""
        with self.stage.step("clean up") as line:
            self.shop.clean_up()
            until_endpoint_is_gone(line, self.shop.sagemaker, self.name)
            line.result = "job, endpoint, model, bucket and role are gone; the training job stays in the list"

    def _play(self) -> dict[str, Any]:
        with self.stage.step("role and bucket") as line:
            self.shop.make_bucket()
            role = self.shop.make_role()
            line.result = f"s3://{self.name}"
        with self.stage.step("upload the raw data") as line:
            raw = car.csv().encode()
            self.shop.upload(raw)
            line.result = f"{raw.count(10):,} rows, {len(raw):,} bytes"
        with self.stage.step("Glue job: features by Spark") as line:
            replace(self.shop, say=line.say).prepare(role)
            line.result = "15 features a car, and two bundles that make them again"
        with self.stage.step("training job: XGBoost, ten rounds") as line:
            trained = replace(self.shop, say=line.say).train(role, self.name)
            metrics = {one["MetricName"]: one["Value"] for one in trained.get("FinalMetricDataList", [])}
            line.result = ", ".join(f"{name} {value:.4f}" for name, value in sorted(metrics.items()))
        with self.stage.step("deploy three containers") as line:
            replace(self.shop, say=line.say).deploy(role, trained)
            line.result = f"words to features, features to a number, the number to a word: {self.name}"
        with self.stage.step("1,728 requests, one car each") as line:
            answers, waits = self._ask(line)
            p50, p99 = waits[len(waits) // 2] * 1e3, waits[-18] * 1e3
            line.result = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, seen by boto3"
        right = sum(answer == car.label(row) for row, answer in answers.items())
        confused = Counter((car.label(row), answer) for row, answer in answers.items())
        return {
            "road": "spark",
            "accuracy": {"all": {"rows": len(answers), "right": right, "accuracy": round(right / len(answers), 4)}},
            "metrics": metrics,
            "confusion": {true: {said: confused[true, said] for said in car.CLASSES} for true in car.CLASSES},
            "latency": {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2)},
            "endpoint": self.name,
        }

    def _ask(self, line: Any) -> tuple[dict[tuple[str, ...], str], list[float]]:
        """What the endpoint says of every car; the seconds of each request, the fastest first."""
        cars, answers, waits = list(car.rows()), {}, []
        for done, row in enumerate(cars, 1):
            began = time.perf_counter()
            answers[row] = self.shop.ask(",".join(row))
            waits.append(time.perf_counter() - began)
            line.count(done, len(cars))
        return answers, sorted(waits)
