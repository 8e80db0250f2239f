"""Bundles answer as Spark itself does, row by row: what is fitted here is saved by `mleap`, served, and compared."""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.etl import told
from clary.algorithms.etl.bundles.learnt import CannotSave
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml import bundle, server
from tests.algorithms import bundles
from tests.algorithms.graphs import cars
from tests.spark_needed import spark_needed

pytestmark = [spark_needed, pytest.mark.slow]
NAN = math.nan
VARIANTS = ["error", "skip", "keep"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("bundles")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        # Each query runs once: what is not compiled is done sooner.
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patched:
        # Its workers are this Python, which has Clary, and not the first of the PATH.
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def serializer() -> Iterator[Any]:
    """As a job's script has it."""
    sys.path.insert(0, str(told.PACKAGES))
    from mleap.pyspark.spark_support import SimpleSparkSerializer

    yield SimpleSparkSerializer()
    sys.path.remove(str(told.PACKAGES))


@pytest.fixture(scope="module")
def numbers(spark: Any) -> Any:
    """Single values and vectors: of all signs, constant ones, zeros and large ones."""
    from pyspark.ml.linalg import Vectors

    rows = [
        (
            float(at % 7) - 3.0,
            1e6 / (at + 1),
            5.0,
            "abc"[at % 3],
            at % 3,
            float(at % 4),
            float((at * 7) % 2),
            Vectors.dense([at - 20.0, 2.5, 0.0 if at % 5 == 0 else math.sin(at), float(at % 3)]),
        )
        for at in range(40)
    ]
    return spark.createDataFrame(rows, ["a", "b", "same", "word", "whole", "class4", "class2", "v"]).cache()


def columns_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "bundle.json").read_bytes())
    return found


def pipeline(*stages: Any) -> Any:
    from pyspark.ml import Pipeline

    return Pipeline(stages=list(stages))


def served(folder: Path, inputs: Sequence[tuple[str, str]], output: str, kind: str = "double") -> Any:
    struct = "vector" if output.startswith("features") else "basic"
    return server.load(folder, bundles.schema(inputs, output, kind, struct))


def lines(rows: Sequence[Sequence[Any]]) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


@pytest.mark.parametrize(("invalid", "drop"), [("error", True), ("skip", False), ("keep", True), ("keep", False)])
def test_every_car_is_answered_as_by_spark_and_unseen_words_too(
    spark: Any, serializer: Any, tmp_path: Path, invalid: str, drop: bool
) -> None:
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

    given = [tuple(row) for row in cars.rows()]
    table = spark.createDataFrame(given, list(cars.NAMES))
    indexers = [StringIndexer(inputCol=one, outputCol=f"i_{one}", handleInvalid=invalid) for one in cars.NAMES]
    encoders = [OneHotEncoder(inputCol=f"i_{one}", outputCol=f"h_{one}", dropLast=drop) for one in cars.NAMES]
    assembler = VectorAssembler(inputCols=[f"h_{one}" for one in cars.NAMES], outputCol="features")
    model = pipeline(*indexers, *encoders, assembler).fit(table)
    path = tmp_path / "model.zip"
    serializer.serializeToBundle(model, f"jar:file:{path}", model.transform(table))
    asking = served(tmp_path, [(one, "string") for one in cars.NAMES], "features")
    unseen = [(*given[5][:at], "never", *given[5][at + 1 :]) for at in range(6)]
    rows = given if invalid == "error" else [*given[:9], *unseen, *given[9:]]
    expected = model.transform(spark.createDataFrame(rows, list(cars.NAMES))).select("features").collect()
    answer = asking.invoke(lines(rows), "text/csv", None).body.decode().splitlines()
    assert [list(map(float, line.split(","))) for line in answer] == [
        one.features.toArray().tolist() for one in expected
    ]
    assert len(answer) == 1728 + (6 if invalid == "keep" else 0)
    if invalid == "error" and drop:
        assert len(answer[0].split(",")) == 15
    if invalid != "keep":
        with pytest.raises(Refused, match=r"column 6 \(safety\): 'never' is not one of the known values: ") as refused:
            asking.invoke(lines(unseen[5:]), "text/csv", None)
        assert refused.value.status == 400 and all(word in str(refused.value) for word in ("low", "med", "high"))


def test_labels_come_back_from_the_metadata_of_the_data_set(spark: Any, serializer: Any, tmp_path: Path) -> None:
    from pyspark.ml.feature import IndexToString, StringIndexer

    table = spark.createDataFrame([("unacc",), ("unacc",), ("acc",)], ["cat"])
    indexed = StringIndexer(inputCol="cat", outputCol="index", handleInvalid="keep").fit(table).transform(table)
    converter = IndexToString(inputCol="index", outputCol="label")
    with pytest.raises(CannotSave, match=r"IndexToString.*has no labels.*give labels="):
        serializer.serializeToBundle(converter, f"file:{tmp_path}/none")
    assert not (tmp_path / "none").exists()
    converter.serializeToBundle(f"file:{tmp_path}/post", indexed.drop("cat"))
    asking = served(tmp_path / "post", [("index", "double")], "label", "string")
    assert asking.invoke(b"1.0\n0.0\n2.0\n", "text/csv", None).body == b"acc\nunacc\n__unknown\n"


def test_transformers_of_numbers_do_what_sparks_do(numbers: Any, serializer: Any, tmp_path: Path) -> None:
    from pyspark.ml.feature import (
        Binarizer,
        Bucketizer,
        ChiSqSelector,
        Imputer,
        MaxAbsScaler,
        MinMaxScaler,
        Normalizer,
        OneHotEncoder,
        RobustScaler,
        StandardScaler,
        StringIndexer,
        VectorAssembler,
        VectorSlicer,
    )  # fmt: skip

    wall = float("inf")
    stages = [
        StandardScaler(inputCol="v", outputCol="standard", withMean=True),
        StandardScaler(inputCol="v", outputCol="deviation"),
        MinMaxScaler(inputCol="v", outputCol="least_most", min=-2.0, max=3.0),
        MaxAbsScaler(inputCol="v", outputCol="max_abs"),
        RobustScaler(inputCol="v", outputCol="robust", withCentering=True),
        *(Normalizer(inputCol="v", outputCol=f"normal_{p:.0f}", p=p) for p in (1.0, 2.0, 3.0, wall)),
        Binarizer(inputCol="a", outputCol="binary", threshold=0.5),
        Binarizer(inputCols=["a", "b"], outputCols=["binary_a", "binary_b"], thresholds=[1.0, 9e4]),
        Bucketizer(inputCol="a", outputCol="bucket", splits=[-3.0, -1.0, 2.0, 3.0]),
        Bucketizer(
            inputCols=["a", "b"],
            outputCols=["bucket_a", "bucket_b"],
            splitsArray=[[-wall, 0.0, wall], [0.0, 1e5, wall]],
            handleInvalid="keep",
        ),
        Imputer(inputCols=["a", "b"], outputCols=["full_a", "full_b"], strategy="median", missingValue=-1.0),
        StringIndexer(inputCols=["word", "whole"], outputCols=["i_word", "i_whole"], handleInvalid="keep"),
        StringIndexer(inputCol="a", outputCol="i_number"),
        OneHotEncoder(inputCols=["i_word", "i_whole"], outputCols=["h_word", "h_whole"], handleInvalid="keep"),
        VectorSlicer(inputCol="v", outputCol="sliced", indices=[3, 0]),
        VectorAssembler(inputCols=["a", "v", "h_word", "same"], outputCol="features"),
        ChiSqSelector(featuresCol="v", labelCol="class2", outputCol="chosen", numTopFeatures=2),
    ]
    model = pipeline(pipeline(*stages[:8]), *stages[8:]).fit(numbers)
    serializer.serializeToBundle(model, f"file:{tmp_path}/bundle", numbers)
    # The gate compared the server's code and the graph with Spark, in every column.
    assert columns_of(tmp_path / "bundle")["compared"] == 40
    assert (tmp_path / "bundle/root/model.onnx").is_file()
    back = serializer.deserializeFromBundle(f"file:{tmp_path}/bundle")
    names = ["standard", "least_most", "normal_3", "bucket_b", "full_a", "i_number", "h_whole", "features"]
    made, expected = (one.transform(numbers).select(names).collect() for one in (back, model))
    assert list(map(_flat, made)) == [pytest.approx(_flat(one)) for one in expected]
    again = tmp_path / "again.zip"
    back.serializeToBundle(f"jar:file:{again}")
    assert [one.op for one in bundle.read(again)] == [one.op for one in bundle.read(tmp_path / "bundle")]


def _flat(row: Any) -> list[float]:
    return [float(one) for cell in row for one in (cell.toArray() if hasattr(cell, "toArray") else [cell])]


@pytest.mark.parametrize("invalid", VARIANTS)
def test_missing_values_are_treated_as_spark_treats_them(
    spark: Any, serializer: Any, tmp_path: Path, invalid: str
) -> None:
    from pyspark.ml.feature import Bucketizer, Imputer, VectorAssembler

    table = spark.createDataFrame([(1.0, 2.0), (NAN, 3.0), (4.0, NAN), (2.5, 6.0)], ["a", "b"])
    model = pipeline(
        Imputer(inputCols=["a"], outputCols=["full"]),
        Bucketizer(inputCol="a", outputCol="bucket", splits=[0.0, 2.0, 5.0], handleInvalid=invalid),
        VectorAssembler(inputCols=["full", "b", "bucket"], outputCol="features", handleInvalid=invalid),
    ).fit(table)
    serializer.serializeToBundle(model, f"jar:file:{tmp_path}/m.zip", table)
    asking = served(tmp_path, [("a", "double"), ("b", "double")], "features")
    body = b"1.0,2.0\n,3.0\n4.0,\n2.5,6.0\n"
    if invalid == "error":
        with pytest.raises(Refused, match=r"Row 2, column 1 \(a\): a value is missing"):
            asking.invoke(body, "text/csv", None)
        return
    expected = [one.features.toArray().tolist() for one in model.transform(table).select("features").collect()]
    got = [list(map(float, line.split(","))) for line in asking.invoke(body, "text/csv", None).body.decode().split()]
    assert len(got) == (2 if invalid == "skip" else 4)
    assert [list(map(repr, row)) for row in got] == [list(map(repr, row)) for row in expected]


def test_models_predict_what_sparks_predict(numbers: Any, serializer: Any, tmp_path: Path) -> None:
    from pyspark.ml import PipelineModel, regression
    from pyspark.ml import classification as kinds
    from pyspark.ml.feature import StringIndexer, VectorAssembler

    columns = iter(range(100))

    def named(made: Any) -> Any:
        at = next(columns)
        for role in ("prediction", "probability", "rawPrediction"):
            if made.hasParam(f"{role}Col"):
                made._set(**{f"{role}Col": f"{role}{at}"})
        return made._set(featuresCol="features")

    two, four = {"labelCol": "class2"}, {"labelCol": "class4"}
    trees: dict[str, Any] = {"maxDepth": 3, "seed": 3}
    # A feature with metadata of categories makes the trees ask for sets of them.
    assembler = VectorAssembler(inputCols=["i_word", "a", "b", "v"], outputCol="features")
    before = pipeline(StringIndexer(inputCol="word", outputCol="i_word"), assembler).fit(numbers)
    table = before.transform(numbers).cache()
    estimators = [
        kinds.LogisticRegression(**two, threshold=0.4, maxIter=2),
        kinds.LogisticRegression(**four, maxIter=2),
        kinds.LogisticRegression(**four, maxIter=2, thresholds=[0.1, 0.5, 0.2, 0.9]),
        kinds.LinearSVC(**two, threshold=0.1, maxIter=2),
        kinds.DecisionTreeClassifier(**four, maxDepth=4),
        kinds.RandomForestClassifier(**four, **trees, numTrees=3),
        kinds.RandomForestClassifier(**two, **trees, numTrees=2).setThresholds([0.3, 0.7]),
        kinds.GBTClassifier(**two, **trees, maxIter=2),
        regression.LinearRegression(labelCol="b", solver="normal"),
        regression.DecisionTreeRegressor(labelCol="b", maxDepth=3),
        regression.RandomForestRegressor(labelCol="b", **trees, numTrees=2),
        regression.GBTRegressor(labelCol="b", **trees, maxIter=2),
    ]
    model = PipelineModel([before, *(named(one).fit(table) for one in estimators)])
    path = tmp_path / "model.zip"
    serializer.serializeToBundle(model, f"jar:file:{path}", numbers)
    assert any(tree["categories"] for node in bundle.read(path) for tree in node.attributes.get("trees", ()))
    asking = server.load(
        tmp_path, bundles.schema([("word", "string"), ("a", "double"), ("b", "double")], "prediction7")
    )
    with pytest.raises(Refused, match="needs the column v, which is not in the schema"):
        asking.invoke(b"a,1,2\n", "text/csv", None)


def test_what_a_bundle_cannot_hold_is_named(spark: Any, numbers: Any, serializer: Any, tmp_path: Path) -> None:
    from pyspark.ml.classification import DecisionTreeClassifier
    from pyspark.ml.feature import SQLTransformer, StringIndexer, VectorAssembler

    place = f"jar:file:{tmp_path}/no.zip"
    sql = pipeline(SQLTransformer(statement="SELECT *, a + 1 AS c FROM __THIS__")).fit(numbers)
    with pytest.raises(CannotSave, match=r"SQLTransformer_\w+ is a SQLTransformer.*Supported are Binarizer, "):
        serializer.serializeToBundle(sql, place, numbers)
    indexer = StringIndexer(inputCol="word", outputCol="i")
    with pytest.raises(CannotSave, match=r"StringIndexer, which is not fitted"):
        serializer.serializeToBundle(indexer, place, numbers)
    with pytest.raises(CannotSave, match=r"Pipeline that is not fitted"):
        serializer.serializeToBundle(pipeline(indexer), place, numbers)
    tree = pipeline(
        VectorAssembler(inputCols=["a"], outputCol="f"),
        DecisionTreeClassifier(featuresCol="f", labelCol="class2", leafCol="leaf", maxDepth=1),
    ).fit(numbers)
    with pytest.raises(CannotSave, match=r"writes leafCol"):
        serializer.serializeToBundle(tree, place, numbers)
    for odd in ("s3://bucket/model.zip", "/tmp/model.zip", "jar:file:model.zip"):
        with pytest.raises(ValueError, match="a bundle is saved to jar:file:/tmp/"):
            serializer.serializeToBundle(indexer.fit(numbers), odd, numbers)
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_that_the_pipeline_does_not_pass_is_told(
    spark: Any, serializer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pyspark.ml.feature import StringIndexer

    model = StringIndexer(inputCol="w", outputCol="i").fit(spark.createDataFrame([("a",)], ["w"]))
    model.serializeToBundle(f"file:{tmp_path}/one", spark.createDataFrame([("other",)], ["w"]))
    assert "not compared with Spark, which cannot transform the data set" in capsys.readouterr().err
    assert columns_of(tmp_path / "one")["compared"] == 0
    model.serializeToBundle(f"file:{tmp_path}/one", spark.createDataFrame([("a",)], ["x"]))
    assert "has no column w" in capsys.readouterr().err
