"""Documents of pages: what is wrong with one, and what data, baselines and bundles suggest."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clary.cli.app.documents import baseline, rows, sparkml
from clary.cli.app.documents.bundles import Words, words
from clary.cli.app.documents.checked import fits, problems
from clary.cli.app.documents.order import ordered
from clary.cli.app.documents.rows import Unusable, of_file, of_rows
from clary.cli.demo.car import ATTRIBUTES
from clary.cli.demo.car import csv as cars
from tests.algorithms.bundles import indexer, names, save

GOOD = {
    "title": "Cars",
    "description": "",
    "contentType": "text/csv",
    "accept": "text/csv",
    "input": {
        "type": "object",
        "properties": {
            "buying": {"title": "Price", "enum": ["low", "high"]},
            "doors": {"oneOf": [{"const": 2, "title": "two"}, {"const": 4, "title": "four"}]},
            "age": {"type": "number", "minimum": 0, "maximum": 30, "multipleOf": 0.1, "default": 5.8, "unit": "years"},
            "photo": {"type": "string", "contentMediaType": "image/*"},
        },
        "required": ["buying"],
    },
    "output": {"kind": "classes", "labels": ["unacc", "acc"]},
    "examples": [{"title": "A", "values": {"buying": "low", "doors": 2, "age": 1}, "expected": "acc"}],
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """GOOD with one member replaced."""
    document: Any = json.loads(json.dumps(GOOD))
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    at = document
    for part in path:
        at = at[part]
    at[last] = value
    return dict(document)


def test_a_good_document_has_no_problem() -> None:
    assert problems(GOOD) == []
    assert problems({"input": {"properties": {"x": {}}}}) == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("titel", "x", "titel is no member of a page's document; there are title, "),
        ("title", 1, "title must be a text"),
        ("contentType", "csv", "contentType is 'csv', and must be a media type"),
        ("body", "rows", 'body must be "object" or "instances"'),
        ("input", [], "input must be a JSON Schema object"),
        ("input.type", "array", 'input.type must be "object"'),
        ("input.properties", {}, "input.properties must be an object with a member for each field"),
        ("input.properties.age", 1, "input.properties.age must be a JSON Schema object"),
        ("input.properties.age.type", "float", "input.properties.age.type is 'float', and must be one of string, "),
        ("input.properties.age.minimum", "0", "input.properties.age.minimum must be a number"),
        ("input.properties.age.minimum", 40, "input.properties.age.minimum is 40, which is above the maximum 30"),
        ("input.properties.age.multipleOf", 0, "input.properties.age.multipleOf must be above 0"),
        ("input.properties.age.default", 31, "input.properties.age.default is 31, and must be at most 30"),
        ("input.properties.buying.enum", [], "input.properties.buying.enum must be a list with at least one value"),
        ("input.properties.doors.oneOf.1", {"title": "x"}, "input.properties.doors.oneOf[1] must be an object with"),
        ("input.required.0", "price", "input.required[0] is 'price', which is no property"),
        ("output.kind", "class", "output.kind must be one of classes, number, raw"),
        ("output.labels", [1, 2], "output.labels must be a list of texts"),
        ("examples", {}, "examples must be a list"),
        ("examples.0.values", [], "examples[0].values must be an object"),
        ("examples.0.values.price", 1, "examples[0].values.price is no property of the input"),
        ("examples.0.values.buying", "med", "examples[0].values.buying is 'med', and must be one of low, high"),
        ("examples.0.values.doors", True, "examples[0].values.doors is True, and must be one of 2, 4"),
    ],
)
def test_a_mistake_is_told_with_its_place(place: str, value: Any, said: str) -> None:
    found = [" ".join(one) for one in problems(changed(place, value))]
    assert any(one.startswith(said) for one in found), found


def test_what_is_no_object_at_all() -> None:
    assert problems([1]) == [("document", "is no JSON object")]


@pytest.mark.parametrize(
    ("schema", "value", "good"),
    [
        ({"type": "integer"}, 2.0, True),
        ({"type": "integer"}, 2.5, False),
        ({"type": "number"}, True, False),
        ({"type": "boolean"}, True, True),
        ({"exclusiveMaximum": 1}, 1, False),
        ({"enum": [1, 2]}, 1.0, True),
        ({}, "anything", True),
    ],
)
def test_a_value_fits_or_not(schema: dict[str, Any], value: Any, good: bool) -> None:
    assert (fits(schema, value) == "") is good


# Rows.


def test_the_cars_are_six_choices_and_four_classes(tmp_path: Path) -> None:
    path = tmp_path / "cars.csv"
    path.write_text("\ufeff" + ",".join([*ATTRIBUTES, "class"]) + "\r\n" + cars(), encoding="utf-8")
    document = of_file(path, "class")
    assert problems(document) == []
    properties = document["input"]["properties"]
    assert list(properties) == list(ATTRIBUTES) == document["input"]["required"]
    assert properties["buying"] == {"title": "Buying", "enum": ["low", "med", "high", "vhigh"]}
    assert properties["lug_boot"]["title"] == "Lug boot"
    assert document["output"] == {"kind": "classes", "labels": ["acc", "good", "unacc", "vgood"]}
    assert {one["expected"] for one in document["examples"]} == {"acc", "good", "unacc", "vgood"}


def test_numbers_have_the_range_and_the_step_that_were_seen() -> None:
    document = of_rows(
        [["a", "b", "c", "d", "Rings"], *([str(n), f"{n / 4:.2f}", f"{n}e-9", "7", str(n * 1.5)] for n in range(101))],
        "Rings",
    )
    properties = document["input"]["properties"]
    assert properties["a"] == {"title": "A", "type": "integer", "minimum": 0, "maximum": 100, "default": 50}
    assert properties["b"] == {
        **{"title": "B", "type": "number", "minimum": 0.0, "maximum": 25.0},
        **{"multipleOf": 0.01, "default": 12.5},
    }
    assert "multipleOf" not in properties["c"]
    assert properties["d"] == {"title": "D", "type": "integer", "default": 7}
    assert document["output"] == {"kind": "number", "title": "Rings"}
    assert document["examples"][1] == {
        **{"title": "Example 2", "values": {"a": 1, "b": 0.25, "c": 1e-9, "d": 7}},
        **{"expected": 1.5},
    }
    assert problems(document) == []


def test_classes_of_whole_numbers_are_in_the_order_of_numbers() -> None:
    document = of_rows([["x", "y"], *([str(n), str(n % 12)] for n in range(48))], "y")
    assert document["output"]["labels"] == [str(n) for n in range(12)]


def test_many_words_are_free_text_and_empty_cells_need_no_answer() -> None:
    document = of_rows([["name", "size"], *([f"n{n}", "" if n % 2 else "3"] for n in range(200))], None)
    assert document["input"]["properties"]["name"] == {"title": "Name", "type": "string"}
    assert document["input"]["required"] == ["name"]
    assert document["output"] == {"kind": "raw"}


@pytest.mark.parametrize(
    ("given", "label", "said"),
    [
        ([], None, "must name the columns"),
        ([["1", "2"], ["3", "4"]], None, "must name the columns"),
        ([["a", ""], ["3", "4"]], None, "column 2 has no name"),
        ([["a", "a"], ["3", "4"]], None, "two columns are called 'a'"),
        ([["a", "b"]], None, "no row below it"),
        ([["a", "b"], ["1"]], None, "row 2 has 1 cells, and the header has 2"),
        ([["a", "b"], ["1", "2"]], "c", "there is no column 'c' to be the label; there are a, b"),
        ([["a"], ["1"]], "a", "no column beside the label"),
    ],
)
def test_rows_that_tell_nothing_say_why(given: list[list[str]], label: str | None, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        of_rows(given, label)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Unusable, match="no UTF-8"):
        of_file(tmp_path / "a.csv", None)
    with pytest.raises(Unusable, match="cannot be read"):
        of_file(tmp_path / "b.csv", None)
    (tmp_path / "c.csv").write_text("a;b\n1,5;x\n")
    assert list(of_file(tmp_path / "c.csv", None)["input"]["properties"]) == ["a", "b"]


# Baselines, as the monitor's image writes them.

STATISTICS = {
    "features": [
        {"name": "rings", "inferred_type": "Integral", "numerical_statistics": {"min": 1.0, "max": 29.0, "mean": 9.9}},
        {
            "name": "length",
            "inferred_type": "Fractional",
            "numerical_statistics": {"common": {"num_missing": 3}, "min": 0.075, "max": 0.815, "mean": 0.5239920},
        },
        {"name": "sex", "inferred_type": "String", "string_statistics": {"common": {"num_missing": 0}}},
        {"name": "note", "inferred_type": "String", "string_statistics": {}},
    ]
}
CONSTRAINTS = {"features": [{"name": "sex", "string_constraints": {"domains": ["M", "F", "I"]}}]}


def test_a_baseline_is_a_form() -> None:
    document = baseline.of_files(STATISTICS, CONSTRAINTS, "rings")
    assert problems(document) == []
    assert document["input"]["properties"] == {
        "length": {"title": "Length", "type": "number", "minimum": 0.075, "maximum": 0.815, "default": 0.523992},
        "sex": {"title": "Sex", "enum": ["F", "I", "M"]},
        "note": {"title": "Note", "type": "string"},
    }
    assert document["input"]["required"] == ["sex", "note"]
    assert document["output"] == {"kind": "number", "title": "Rings"}
    assert baseline.of_files(STATISTICS, CONSTRAINTS, "sex")["output"] == {"kind": "classes", "labels": ["F", "I", "M"]}
    assert baseline.of_files(STATISTICS, None, None)["output"] == {"kind": "raw"}


@pytest.mark.parametrize("file", [{}, [], {"features": [{}]}, {"features": []}, None])
def test_files_that_are_no_baseline(file: Any) -> None:
    with pytest.raises(Unusable):
        baseline.of_files(file, None, None)


def test_where_a_baseline_is() -> None:
    files = {"Statistics": {"S3Uri": "s3://b/s"}, "Constraints": {"S3Uri": "s3://b/c"}}
    assert baseline.places({"ModelMetrics": {"ModelDataQuality": files}}) == ("s3://b/s", "s3://b/c")
    assert baseline.places({"ModelMetrics": {}, "DriftCheckBaselines": {"ModelDataQuality": files}})
    assert baseline.places({"ModelMetrics": {"ModelQuality": files}}) is None


# Spark ML.


def archive(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for one in sorted(folder.iterdir()):
            tar.add(one, arcname=one.name)
    return packed.getvalue()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_bundle_tells_its_words(tmp_path: Path, zipped: bool) -> None:
    nodes = [indexer("safety", "i", ["low", "high", "med"]), names(["unacc", "acc"])]
    place = save(tmp_path / "bundle", nodes, zipped=zipped)
    found = words(archive(place if place.is_dir() else place.parent))
    assert found == Words({"safety": ["low", "high", "med"]}, ["unacc", "acc"])


def test_what_is_no_bundle_tells_nothing() -> None:
    assert words(b"") == words(b"\x1f\x8bnonsense") == Words()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (
            ("x/model.json", b"{"),
            ("y/model.json", b"[1]"),
            ("z.zip", b"PK"),
            ("w/node.json", b"1"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    assert words(packed.getvalue()) == Words()


def container(place: str, schema: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {"ModelDataUrl": place}
    return found if schema is None else {**found, "Environment": {sparkml.VARIABLE: json.dumps(schema)}}


def test_a_schema_and_its_bundle_are_a_form() -> None:
    schema = {"input": [{"name": "safety", "type": "string"}, {"name": "age", "type": "double"}], "output": {}}
    back = {"input": [{"name": "prediction", "type": "double"}], "output": {"name": "category", "type": "string"}}

    def read(one: Mapping[str, Any]) -> Words:
        return {"f": Words({"safety": ["low", "high"]}), "l": Words({}, ["unacc", "acc"])}[one["ModelDataUrl"]]

    document = sparkml.of_containers([container("f", schema), container("x"), container("l", back)], read)
    assert document is not None and problems(document) == []
    assert document["input"]["properties"] == {
        "safety": {"title": "Safety", "enum": ["low", "high"]},
        "age": {"title": "Age", "type": "number"},
    }
    assert document["output"] == {"kind": "classes", "labels": ["unacc", "acc"]}
    assert sparkml.of_containers([container("x")], read) is None
    assert sparkml.of_containers([], read) is None
    with pytest.raises(Unusable):
        sparkml.of_containers([container("f", {"in": 1})], read)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"high", "low", "vhigh", "med"}, "low med high vhigh"),
        ({"BIG", "small", "Med"}, "small Med BIG"),
        ({"more", "2", "4"}, "2 4 more"),
        ({"5more", "10", "2"}, "2 5more 10"),
        ({"b", "A", "c1", "c10", "c2"}, "A b c1 c2 c10"),
        ({"a", "A"}, "A a"),
        ({"\u00b2", "1"}, "1 \u00b2"),
    ],
)
def test_choices_are_in_the_order_in_which_people_read_them(words: set[str], wanted: str) -> None:
    assert ordered(words) == wanted.split()


def test_names_of_columns_for_people() -> None:
    assert [rows.titled(name) for name in ("lug_boot", "Day Mins", "x", "_")] == ["Lug boot", "Day Mins", "X", "_"]
