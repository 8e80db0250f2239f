"""FastAPI over the graph that Clary has compiled: what the framework costs, with the engine the same."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request, Response

place = Path(os.environ["MODELS"]) / "graph"
plan = json.loads((place / "graph.json").read_text())
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(str(place / "graph.onnx"), options, providers=["CPUExecutionProvider"])
fed, outputs = session.get_inputs()[0].name, plan["outputs"]
app = FastAPI()


@app.post("/invocations")
async def invocations(request: Request) -> Response:
    lines = (await request.body()).decode().split()
    rows = lines if plan["input"] == "lines" else [line.split(",") for line in lines]
    labels = session.run(outputs, {fed: np.array(rows, object)})[0]
    return Response("\n".join(map(str, np.asarray(labels).ravel())) + "\n", media_type="text/csv")
