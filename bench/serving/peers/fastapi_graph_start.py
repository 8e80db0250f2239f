"""uvicorn with two workers."""

import os

os.environ["PYTHONPATH"] = os.environ["MODELS"]
command = ["uvicorn", "fastapi_graph_app:app", "--host", "127.0.0.1", "--port", os.environ["PORT"], "--workers", "2"]
os.execvp("uvicorn", [*command, "--log-level", "error", "--no-access-log"])
