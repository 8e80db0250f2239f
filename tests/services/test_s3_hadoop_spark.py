"""A real Spark against a real server: s3://, s3a:// and s3n:// are our buckets, with nothing but settings."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clary.algorithms.etl.files import explained, hadoop_conf
from tests.hadoop_house import keys_in
from tests.real import RealClary
from tests.spark_needed import spark_needed

pytestmark = [pytest.mark.server, spark_needed]

LIMITED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::open*", "arn:aws:s3:::later*"]},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::closed"},
    ],
}


@pytest.fixture(scope="module")
def keys(server: RealClary) -> dict[str, str]:
    """The environment of a job whose role may use some buckets and not others."""
    iam, sts = server.client("iam"), server.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(
        RoleName="spark", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    text = json.dumps(LIMITED)
    iam.put_role_policy(RoleName="spark", PolicyName="p", PolicyDocument=text)
    found = sts.assume_role(RoleArn=arn, RoleSessionName="job")["Credentials"]
    s3 = server.client("s3")
    s3.create_bucket(Bucket="open")
    s3.create_bucket(Bucket="closed")
    s3.put_object(Bucket="closed", Key="secret.csv", Body=b"1\n")
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


@pytest.fixture(scope="module")
def spark(keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.warehouse.dir", (place / "warehouse").as_uri())
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1")
    for name, value in hadoop_conf(keys).items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def s3(server: RealClary) -> Any:
    return server.client("s3")


def files(s3: Any, prefix: str) -> list[str]:
    found = s3.list_objects_v2(Bucket="open", Prefix=prefix).get("Contents", [])
    return [one["Key"].removeprefix(prefix) for one in found]


def said(call: Callable[[], Any]) -> str | None:
    with pytest.raises(Exception) as raised:  # Py4J's and PySpark's have no common class
        call()
    return explained(raised.value)


def test_tables_are_written_and_read_under_every_scheme(spark: Any, s3: Any) -> None:
    rows = spark.createDataFrame([(1, "a b", "x=1"), (2, "ü", "10:30 50%")], ["i", "s", "k"])
    for scheme, form in (("s3", "parquet"), ("s3a", "json"), ("s3n", "csv")):
        place = f"{scheme}://open/tables/{form}"
        rows.write.format(form).save(place)
        assert spark.read.format(form).load(place).count() == 2
        found = s3.list_objects_v2(Bucket="open", Prefix=f"tables/{form}/")["Contents"]
        # Right at once, and nothing else is left to see.
        names = [one["Key"].rpartition("/")[2] for one in found]
        assert all(name == "_SUCCESS" or name.startswith("part-") for name in names), names
        for one in found:
            body = s3.get_object(Bucket="open", Key=one["Key"])
            assert (body["ETag"], body["ContentLength"]) == (one["ETag"], one["Size"] or 0)
            assert len(body["Body"].read()) == one["Size"]


def test_partitions_are_overwritten_and_appended_to(spark: Any, s3: Any) -> None:
    place = "s3://open/parts/"
    rows = spark.createDataFrame([(1, "x=1"), (2, "10:30 50%"), (3, "ü")], ["i", "k"]).coalesce(1)
    rows.write.partitionBy("k").csv(place)
    assert {one.partition("/")[0] for one in files(s3, "parts/")} == {
        *("_SUCCESS", "k=x%3D1", "k=10%3A30 50%25", "k=ü"),
    }
    assert sorted((row.i, row.k) for row in _read(spark, place)) == [(1, "x=1"), (2, "10:30 50%"), (3, "ü")]
    rows.limit(1).write.mode("append").partitionBy("k").csv(place)
    assert len(_read(spark, place)) == 4
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    new = spark.createDataFrame([(9, "x=1")], ["i", "k"])
    new.write.mode("overwrite").partitionBy("k").csv(place)
    assert sorted((row.i, row.k) for row in _read(spark, place)) == [(2, "10:30 50%"), (3, "ü"), (9, "x=1")]
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    new.write.mode("overwrite").partitionBy("k").csv(place)
    assert [(row.i, row.k) for row in _read(spark, place)] == [(9, "x=1")]
    assert not [one for one in files(s3, "parts/") if "_temporary" in one or ".spark" in one or one.endswith(".crc")]


def _read(spark: Any, place: str) -> list[Any]:
    found: list[Any] = spark.read.schema("i int, k string").csv(place).collect()
    return found


def test_texts_and_globs(spark: Any, s3: Any) -> None:
    context = spark.sparkContext
    context.parallelize(["a", "b", "c"], 2).saveAsTextFile("s3a://open/text")
    assert sorted(files(s3, "text/")) == ["_SUCCESS", "part-00000", "part-00001"]
    assert sorted(context.textFile("s3n://open/te*/part-*").collect()) == ["a", "b", "c"]
    for key in ("a%20b.csv", "a+b.csv", "a b=c.csv", "ü.csv", "c:d.csv"):
        s3.put_object(Bucket="open", Key=f"odd/{key}", Body=key.encode())
        assert spark.read.text(f"s3://open/odd/{key}").first()[0] == key
    assert spark.read.text("s3://open/odd").count() == 5


def test_statements_with_a_location(spark: Any, s3: Any) -> None:
    spark.sql("CREATE TABLE cars USING parquet LOCATION 's3://open/cars' AS SELECT 1 AS id, 'a' AS name")
    spark.sql("INSERT INTO cars VALUES (2, 'b')")
    assert spark.sql("SELECT max(id) FROM cars").first()[0] == 2
    assert len([one for one in files(s3, "cars/") if one.endswith(".parquet")]) == 2
    spark.sql("INSERT OVERWRITE cars VALUES (3, 'c')")
    assert spark.table("cars").count() == 1
    spark.sql("DROP TABLE cars")


def test_a_committer_of_the_second_kind(spark: Any, s3: Any) -> None:
    spark.range(3).repartition(2).write.option("mapreduce.fileoutputcommitter.algorithm.version", "2").csv(
        "s3://open/second"
    )
    assert len([one for one in files(s3, "second/") if one.startswith("part-")]) == 2


def test_a_bucket_that_was_made_meanwhile(spark: Any, s3: Any) -> None:
    spark.range(1).write.csv("s3://open/before")
    s3.create_bucket(Bucket="later")
    spark.range(2).coalesce(1).write.csv("s3://later/deep/x")
    assert len(keys_in(s3, "later")) == 2


def test_a_bucket_that_is_not_there_is_named(spark: Any) -> None:
    for call in (lambda: spark.read.csv("s3://absent/x").count(), lambda: spark.range(1).write.csv("s3://absent/x")):
        words = said(call)
        assert words is not None
        assert words.startswith("The bucket absent does not exist")


def test_the_roles_permissions_hold(spark: Any, s3: Any) -> None:
    words = said(lambda: spark.read.text("s3://closed/secret.csv").count())
    assert words is not None
    assert words.startswith("Access denied: ")
    assert "s3:GetObject on resource: arn:aws:s3:::closed/secret.csv" in words
    words = said(lambda: spark.range(2).write.csv("s3://closed/mine"))
    assert words is not None
    assert "s3:PutObject" in words
    assert keys_in(s3, "closed") == ["secret.csv"]


def test_the_token_is_in_no_log(spark: Any, server: RealClary, keys: dict[str, str]) -> None:
    spark.range(1).write.csv("s3://open/logged")
    token = hadoop_conf(keys)["spark.hadoop.dfs.webhdfs.rest-csrf.custom-header"]
    found = [path for path in server.home.rglob("*.log") if token[20:80] in path.read_text(errors="replace")]
    assert found == []
    assert token not in spark.sparkContext._jsc.sc().conf().toDebugString()
