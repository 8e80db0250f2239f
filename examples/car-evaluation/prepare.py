"""What a Glue job does with the raw cars: features by Spark, written for training and kept as two bundles for serving.

Arguments   --S3_INPUT_BUCKET, --S3_INPUT_KEY_PREFIX     the raw file: six attributes and the class a line, no header
            --S3_OUTPUT_BUCKET, --S3_OUTPUT_KEY_PREFIX   gets train/ and validation/: the class as a number first, then
                                                         15 features, comma-separated
            --S3_MODEL_BUCKET, --S3_MODEL_KEY_PREFIX     gets features/model.tar.gz (six words in, 15 features out) and
                                                         labels/model.tar.gz (a number in, the class out)
"""

import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
from awsglue.utils import getResolvedOptions
from mleap.pyspark.spark_support import SimpleSparkSerializer
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import IndexToString, OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

ATTRIBUTES = ["buying", "maint", "doors", "persons", "lug_boot", "safety"]
ARGUMENTS = [f"S3_{part}" for part in ("INPUT_BUCKET", "INPUT_KEY_PREFIX", "OUTPUT_BUCKET", "OUTPUT_KEY_PREFIX")]
ARGUMENTS += ["S3_MODEL_BUCKET", "S3_MODEL_KEY_PREFIX"]
SEED = 7


def line_of(row: Row) -> str:
    """As the training reads it: the class, then the features."""
    return ",".join(str(value) for value in [row.label, *row.features.toArray()])


def keep(model: PipelineModel, shown: DataFrame, bucket: str, key: str) -> None:
    """The model stands in S3 as a bundle in a `model.tar.gz`, which is how a container of an endpoint gets it."""
    with TemporaryDirectory() as folder:
        bundle, archive = Path(folder, "bundle.zip"), Path(folder, "model.tar.gz")
        SimpleSparkSerializer().serializeToBundle(model, f"jar:file:{bundle}", shown)
        with zipfile.ZipFile(bundle) as opened:
            opened.extractall(Path(folder, "bundle"))
        with tarfile.open(archive, "w:gz") as packed:
            for part in sorted(Path(folder, "bundle").iterdir()):
                packed.add(part, arcname=part.name)
        boto3.client("s3").upload_file(str(archive), bucket, key)


def main() -> None:
    asked = getResolvedOptions(sys.argv, ARGUMENTS)
    spark = SparkSession.builder.appName("car-evaluation").getOrCreate()
    columns = StructType([StructField(name, StringType()) for name in (*ATTRIBUTES, "category")])
    raw = spark.read.csv(f"s3://{asked['S3_INPUT_BUCKET']}/{asked['S3_INPUT_KEY_PREFIX']}", schema=columns).cache()
    print(f"{raw.count()} cars")

    # Seven indexers; the class has one of its own, since a request has no class.
    words = [StringIndexer(inputCol=name, outputCol=f"{name}_index", handleInvalid="error") for name in ATTRIBUTES]
    vectors = [OneHotEncoder(inputCol=f"{name}_index", outputCol=f"{name}_vector") for name in ATTRIBUTES]
    assembled = VectorAssembler(inputCols=[f"{name}_vector" for name in ATTRIBUTES], outputCol="features")
    features = Pipeline(stages=[*words, *vectors, assembled]).fit(raw)
    classes = StringIndexer(inputCol="category", outputCol="label").fit(raw)
    ready = classes.transform(features.transform(raw))

    train, validation = ready.randomSplit([0.8, 0.2], seed=SEED)
    out = f"s3://{asked['S3_OUTPUT_BUCKET']}/{asked['S3_OUTPUT_KEY_PREFIX']}"
    for name, part in (("train", train), ("validation", validation)):
        part.select("label", "features").rdd.map(line_of).coalesce(1).saveAsTextFile(f"{out}/{name}")
        print(f"{name}: {part.count()} cars")

    # What the model answers is a number in a column called `prediction`; back to a word it goes by the same labels.
    back = IndexToString(inputCol="prediction", outputCol="category", labels=classes.labels)
    numbers = spark.createDataFrame([(0.0,)], StructType([StructField("prediction", DoubleType())]))
    labels = PipelineModel(stages=[back])
    bucket, prefix = asked["S3_MODEL_BUCKET"], asked["S3_MODEL_KEY_PREFIX"]
    keep(features, features.transform(raw), bucket, f"{prefix}/features/model.tar.gz")
    keep(labels, labels.transform(numbers), bucket, f"{prefix}/labels/model.tar.gz")
    print(f"classes: {', '.join(classes.labels)}")


if __name__ == "__main__":
    main()
