"""LitServe: two workers, batches of 64 requests or 5 ms."""

import os

import litserve as ls
from handler import Cars as Model


class Cars(ls.LitAPI):
    def setup(self, device: str) -> None:
        self._model = Model()

    def decode_request(self, request: dict) -> list:
        return request["rows"]

    def batch(self, inputs: list) -> list:
        self._sizes = [len(one) for one in inputs]
        return [row for rows in inputs for row in rows]

    def predict(self, rows: list) -> list:
        return self._model.labels(rows)

    def unbatch(self, output: list) -> list:
        found, at = [], 0
        for size in self._sizes:
            found.append(output[at : at + size])
            at += size
        return found

    def encode_response(self, output: list) -> dict:
        return {"labels": output}


if __name__ == "__main__":
    api = Cars(max_batch_size=64, batch_timeout=0.005)
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=2, track_requests=False)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="error")
