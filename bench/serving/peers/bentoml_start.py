"""BentoML: two workers, adaptive batching of up to 64 rows; a long latency bound, so that it sheds no load."""

import os

os.environ["PYTHONPATH"] = os.environ["MODELS"]
os.execvp("bentoml", ["bentoml", "serve", "bentoml_service:Cars", "--host", "127.0.0.1", "--port", os.environ["PORT"]])
