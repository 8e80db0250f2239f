"""The car evaluation workshop's three containers, as a Glue job makes them: bundles of our own format around a model of
XGBoost. Built by hand, without Spark; what Spark makes is the same (tests/algorithms/test_spark_bundles.py)."""

import pickle
from pathlib import Path

import numpy as np

from clary.algorithms.graphs.bundles import writing as graphs
from clary.algorithms.graphs.native import Stage
from clary.algorithms.sparkml import server, writing
from clary.algorithms.sparkml.bundle import Node
from tests.algorithms import bundles
from tests.algorithms.graphs import cars

CLASSES = ["unacc", "acc", "good", "vgood", "__unknown"]
"""As the label's StringIndexer with handleInvalid=keep leaves them in the metadata."""
ENVIRONMENTS = (
    bundles.schema([(one, "string") for one in cars.NAMES], "features", struct="vector"),
    {},
    bundles.schema([("prediction", "double")], "label", "string"),
)


def features() -> list[Node]:
    """Six indexers, six encoders with Spark's defaults, and an assembler: 15 features."""
    indexed, hot = [f"indexed_{one}" for one in cars.NAMES], [f"hot_{one}" for one in cars.NAMES]
    return [
        *(
            Node("string_indexer", f"StringIndexer_{name}", {"labels_array": [list(words)]}, (name,), (out,))
            for name, out, words in zip(cars.NAMES, indexed, cars.WORDS, strict=True)
        ),
        *(
            Node("one_hot_encoder", f"OneHotEncoder_{name}", {"category_sizes": [len(words)]}, (number,), (out,))
            for name, number, out, words in zip(cars.NAMES, indexed, hot, cars.WORDS, strict=True)
        ),
        Node("vector_assembler", "VectorAssembler", {"handle_invalid": "error"}, tuple(hot), ("features",)),
    ]


def labels() -> list[Node]:
    return [Node("reverse_string_indexer", "IndexToString", {"labels": CLASSES}, ("prediction",), ("label",))]


def containers(folder: Path, rounds: int = 25) -> list[Stage]:
    """The three unpacked archives below `folder`."""
    kinds = dict.fromkeys(cars.NAMES, "text")
    for at, (nodes, inputs) in enumerate(((features(), kinds), ([], {}), (labels(), {"prediction": "number"}))):
        if nodes:
            graph = graphs.graph(nodes, inputs).SerializeToString()  # type: ignore[arg-type]
            writing.write(folder / str(at), writing.files(f"pipeline{at}", nodes, {}, graph), zipped=False)
    rows = "".join(",".join(row) + "\n" for row in cars.rows()).encode()
    encoded = server.load(folder / "0", ENVIRONMENTS[0]).invoke(rows, "text/csv", None).body.decode()
    table = np.array([line.split(",") for line in encoded.split()], np.float32)
    truth = [CLASSES.index(cars.label(row)) for row in cars.rows()]
    (folder / "1").mkdir()
    (folder / "1/xgboost-model").write_bytes(pickle.dumps(cars.booster(table, truth, rounds, num_class=5)))
    images = ("sparkml-serving", "xgboost", "sparkml-serving")
    return [Stage(image, folder / str(at), ENVIRONMENTS[at]) for at, image in enumerate(images)]
