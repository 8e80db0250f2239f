"""Frames and their transforms, in a Spark of this process over local files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.spark_needed import spark_needed

pytestmark = [spark_needed, pytest.mark.slow]

LINES = [
    '{"a":1,"b":"x","c":{"d":1},"e":[1,2],"g":1,"n":null}',
    '{"a":"two","b":"y","c":{"d":"s"},"e":[3],"g":2.5}',
    "not json",
    '{"a":3,"b":null,"c":{"d":2,"k":true},"f":9000000000}',
]


@pytest.fixture(scope="module")
def glue(spark: Any) -> Any:
    from awsglue.context import GlueContext

    return GlueContext(spark.sparkContext)


@pytest.fixture(scope="module")
def mixed(glue: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """JSON lines of mixed types, one of them none."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "a.json").write_text("\n".join(LINES))
    return glue.create_dynamic_frame.from_options("s3", {"paths": [str(folder)]}, format="json")


def rows(frame: Any) -> list[dict[str, Any]]:
    """What a frame holds, absent members left out."""
    from pyspark.sql import functions as F

    return [json.loads(row[0]) for row in frame.toDF().select(F.to_json(F.struct("*"))).collect()]


def test_mixed_types_are_choices_and_a_bad_line_is_counted(mixed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mixed.printSchema()
    said = capsys.readouterr().out
    assert "|-- a: choice\n|    |-- long\n|    |-- string\n" in said
    assert "|-- n: null" in said
    assert mixed.errorsCount() == 1
    assert [one.get("a") for one in rows(mixed)] == [{"long": 1}, {"string": "two"}, {"long": 3}]
    with pytest.raises(ValueError, match="1 errors where at most 0 are allowed"):
        mixed.assertErrorThreshold()


def test_choices_are_resolved_in_every_way(mixed: Any) -> None:
    flat = mixed.drop_nulls().resolveChoice(specs=[("a", "cast:long"), ("c.d", "make_cols")])
    assert rows(flat) == [
        {"a": 1, "b": "x", "c": {"d_long": 1}, "e": [1, 2], "g": 1.0},
        {"b": "y", "c": {"d_string": "s"}, "e": [3], "g": 2.5},
        {"a": 3, "c": {"k": True, "d_long": 2}, "f": 9000000000},
    ]
    text = mixed.select_fields(["a", "c.d"]).resolveChoice(choice="cast:string")
    assert rows(text) == [{"a": "1", "c": {"d": "1"}}, {"a": "two", "c": {"d": "s"}}, {"a": "3", "c": {"d": "2"}}]
    only = mixed.select_fields(["a"]).resolveChoice(choice="project:string")
    assert rows(only) == [{}, {"a": "two"}, {}]
    with pytest.raises(ValueError, match="resolves no choice"):
        mixed.resolveChoice(specs=[("a", "turn:long")])


def test_mapping_names_types_nests_and_leaves_out(mixed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from awsglue.transforms import ApplyMapping, DropFields, RenameField

    found = ApplyMapping.apply(
        frame=mixed,
        mappings=[("a", "long", "id", "int"), ("c.d", "string", "x.y", "string"), ("gone", "int", "q", "int")],
    )
    assert rows(found) == [{"id": 1, "x": {}}, {"x": {"y": "s"}}, {"id": 3, "x": {}}]
    assert "there is no column 'gone'" in capsys.readouterr().err
    named = RenameField.apply(DropFields.apply(mixed, ["a", "c.d", "e", "f", "g", "n"]), "c.k", "c.flag")
    assert rows(named) == [{"b": "x", "c": {}}, {"b": "y", "c": {}}, {"c": {"flag": True}}]


def test_functions_that_fail_lose_their_record_and_count(mixed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from awsglue.transforms import Filter, Map

    mapped = Map.apply(frame=mixed, f=lambda one: {"n": one["a"] if one["a"] != 3 else 1 // 0})
    assert rows(mapped) == [{"n": {"long": 1}}, {"n": {"string": "two"}}]
    assert (mapped.stageErrorsCount(), mapped.errorsCount()) == (1, 2)
    assert "ZeroDivisionError" in capsys.readouterr().err
    kept = Filter.apply(frame=mixed, f=lambda one: one["a"] > 1)
    assert [one["a"] for one in rows(kept)] == [{"long": 3}]
    assert kept.stageErrorsCount() == 1
    with pytest.raises(ValueError, match="stageThreshold is 1"):
        mixed.map(lambda one: 1, stageThreshold=1)


def test_frames_are_joined_split_united_and_made_flat(mixed: Any) -> None:
    from awsglue.transforms import Join, Relationalize, SelectFromCollection

    left = mixed.resolveChoice(specs=[("a", "cast:long")]).select_fields(["a", "b"])
    joined = Join.apply(left, left, "a", "a")
    assert joined.toDF().columns == ["a", "b", ".a", ".b"]
    assert joined.count() == 2
    with pytest.raises(ValueError, match="has no column 'zz'"):
        Join.apply(left, left, "a", "zz")
    split = left.split_rows({"a": {">": 1}}, "big", "rest")
    assert (split["big"].count(), split["rest"].count()) == (1, 2)
    both = left.union(mixed.select_fields(["a"]))
    assert both.schema().field_map["a"].dataType.name == "choice"
    assert both.count() == 6
    found = Relationalize.apply(mixed, "/nowhere", "root")
    inner = SelectFromCollection.apply(found, "root_e").toDF().orderBy("id", "index").collect()
    assert [(one["id"], one["index"], one["e.val"]) for one in inner] == [(0, 0, 1), (0, 1, 2), (1, 0, 3)]


def test_documents_over_lines_and_unreadable_objects_among_good_ones(
    glue: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "whole.json").write_text('[\n {"a": 1},\n {"a": 2}\n]')
    (tmp_path / "two.json").write_text('{"a": 3}{"a": 4}\n')
    (tmp_path / "bad.json").write_bytes(b"\0\1\2")
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, format="json")
    assert sorted(one["a"] for one in rows(frame)) == [1, 2, 3, 4]
    assert frame.errorsCount() == 1
    assert f"{tmp_path}/bad.json: could not be read and is left out" in capsys.readouterr().err


def test_csv_of_different_headers_and_parquet_of_different_types_are_put_together(glue: Any, tmp_path: Path) -> None:
    parquet, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    (tmp_path / "one.csv").write_text("a,b\n1,x\n")
    (tmp_path / "two.csv").write_text('b,a\n"y,z",2\n')
    read = glue.create_dynamic_frame.from_options
    csv = read("s3", {"paths": [str(tmp_path)]}, "csv", {"withHeader": True})
    assert sorted(rows(csv), key=lambda one: str(one["a"])) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y,z"}]
    folder = tmp_path / "parquet"
    folder.mkdir()
    for name, values in (("a", [1]), ("b", ["two"])):
        parquet.write_table(pyarrow.table({"v": values}), folder / f"{name}.parquet")
    mixed = read("s3", {"paths": [str(folder)]}, "parquet")
    assert sorted(str(one["v"]) for one in rows(mixed)) == ["{'long': 1}", "{'string': 'two'}"]


def test_frames_are_written_in_folders_and_nested_csv_is_refused(glue: Any, mixed: Any, tmp_path: Path) -> None:
    from awsglue.formats import FormatError

    flat = mixed.drop_nulls().resolveChoice(choice="cast:string").select_fields(["a", "b"])
    place = {"path": str(tmp_path / "out"), "partitionKeys": ["a"], "compression": "gzip"}
    glue.write_dynamic_frame.from_options(flat, "s3", place, "json")
    made = sorted(str(one.relative_to(tmp_path)) for one in (tmp_path / "out").rglob("part-*"))
    assert [one.split("/")[1] for one in made] == ["a=1", "a=3", "a=two"]
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    with pytest.raises(FormatError, match="csv holds no nested column, and 'a' is one"):
        glue.write_dynamic_frame.from_options(mixed, "s3", {"path": str(tmp_path / "no")}, "csv")


def test_types_have_the_names_of_glue_hive_and_spark(spark: Any) -> None:
    from awsglue.typenames import catalog_name, spark_type

    for name, meant in (
        ("long", "bigint"),
        ("integer", "int"),
        ("varchar(3)", "string"),
        ("decimal(10,2)", "decimal(10,2)"),
        ("array<struct<a:long,b:string>>", "array<struct<a:bigint,b:string>>"),
    ):
        found = spark_type(name)
        assert found is not None
        assert found.simpleString() == catalog_name(found) == meant
    assert spark_type("struct") is None
    with pytest.raises(ValueError, match="'lnog' is no type"):
        spark_type("lnog")
