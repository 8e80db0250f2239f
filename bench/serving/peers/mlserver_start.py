"""MLServer: two parallel workers, adaptive batching of 64 requests or 5 ms."""

import json
import os
from pathlib import Path

place = Path("mlserver-models")
place.mkdir(exist_ok=True)
port = int(os.environ["PORT"])
settings = {
    "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 2,
    "debug": False, "logging_settings": None,
}  # fmt: skip
model = {"name": "cars", "implementation": "mlserver_model.Cars", "max_batch_size": 64, "max_batch_time": 0.005}
(place / "settings.json").write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))
(place / "model-settings.json").write_text(json.dumps(model))
os.environ["PYTHONPATH"] = os.environ["MODELS"]
os.execvp("mlserver", ["mlserver", "start", str(place)])
