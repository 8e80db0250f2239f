"""What files are taken for: formats, columns and types; and the processes that look into them."""

import asyncio
import bz2
import gzip
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.engines.schemas import types
from clary.engines.schemas.base import Sample, Seen, Survey
from clary.engines.schemas.documents import parsed
from clary.engines.schemas.grok import compiled
from clary.engines.schemas.look import survey
from clary.engines.schemas.process import SurveyProcesses

Doc = dict[str, Any]


@pytest.fixture
def look(tmp_path: Path) -> Any:
    """What is in a file with these bytes."""

    def once(body: bytes, *classifiers: Doc) -> tuple[Seen, Doc]:
        path = tmp_path / "file"
        path.write_bytes(body)
        said = survey([Sample(str(path), len(body))], classifiers)
        (seen,) = said.seen
        return seen, said.schemas[0] if said.schemas else {}

    return once


@pytest.mark.parametrize("separator", [",", "|", "\t", ";", "\x01"])
def test_a_header_is_known_by_what_stands_below_it(look: Any, separator: str) -> None:
    body = "Id,Price,Name,Ok\n1,2.5,a,true\n2,3,b,False\n,,,\n".replace(",", separator)
    seen, schema = look(body.encode())
    assert seen == Seen("data", 0, 3)
    assert schema["columns"] == [["id", "bigint"], ["price", "double"], ["name", "string"], ["ok", "boolean"]]
    assert (schema["classification"], schema["compression"]) == ("csv", "none")
    assert (schema["details"]["delimiter"], schema["details"]["header"]) == (separator, True)


def test_without_a_header_columns_are_numbered(look: Any) -> None:
    _, schema = look(b"5.1,3,setosa\n4,3,virginica\n")
    assert schema["columns"] == [["col0", "double"], ["col1", "bigint"], ["col2", "string"]]
    assert schema["details"]["header"] is False
    # All text: the first row differs from none of the others.
    _, schema = look(b"buying,class\nvhigh,unacc\nlow,acc\n")
    assert [name for name, _ in schema["columns"]] == ["col0", "col1"]


def test_quoted_fields_hold_separators_and_lines(look: Any) -> None:
    seen, schema = look(b'movieId,title\n1,"Heat, ""the\nfilm"""\n2,Jumanji\n')
    assert seen.records == 2
    assert schema["columns"] == [["movieid", "bigint"], ["title", "string"]]
    assert schema["details"]["quoted"] is True


def test_dates_are_text_unless_a_classifier_says_otherwise(look: Any) -> None:
    body = b"day,count\n2016-01-01,5\n2016-01-02,6\n"
    _, schema = look(body)
    assert schema["columns"][0] == ["day", "string"]
    said = {"kind": "csv", "CustomDatatypeConfigured": True, "CustomDatatypes": ["DATE", "INT"]}
    _, schema = look(body, said)
    assert schema["columns"] == [["day", "date"], ["count", "int"]]


def test_a_classifier_of_csv_says_what_the_rules_cannot_see(look: Any) -> None:
    said = {"kind": "csv", "Delimiter": "^", "QuoteSymbol": "'", "ContainsHeader": "PRESENT", "Serde": "OpenCSVSerDe"}
    _, schema = look(b"a^b\n'x^y'^z\n", said)
    assert schema["columns"] == [["a", "string"], ["b", "string"]]
    assert schema["details"] == {
        "delimiter": "^",
        "header": True,
        "quoted": True,
        "quote": "'",
        "serde": "OpenCSVSerDe",
    }
    _, schema = look(
        b"1\n2\n", {"kind": "csv", "AllowSingleColumn": True, "Header": ["Count"], "ContainsHeader": "ABSENT"}
    )
    assert schema["columns"] == [["count", "bigint"]]


RECORDS = [{"Id": 1, "at": {"x": 1}, "tags": ["a"]}, {"Id": 2**40, "at": {"x": 0.5, "y": "n"}, "more": None}]
COLUMNS = [
    ["id", "bigint"],
    ["at", ["struct", [["x", "double"], ["y", "string"]]]],
    ["tags", ["array", "string"]],
    ["more", "nothing"],
]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("\n".join(map(json.dumps, RECORDS)), None),
        ("".join(map(json.dumps, RECORDS)), None),
        ("\n".join(json.dumps(one, indent=2) for one in RECORDS), None),
        (json.dumps(RECORDS), "$[*]"),
        (json.dumps(RECORDS, indent=1), "$[*]"),
    ],
)
def test_json_in_all_its_forms(look: Any, body: str, path: str | None) -> None:
    seen, schema = look(body.encode())
    assert seen == Seen("data", 0, 2)
    assert schema["columns"] == COLUMNS
    assert schema["details"].get("path") == path


def test_records_at_a_path(look: Any) -> None:
    body = json.dumps({"data": {"rows": [{"a": 1}, {"a": 2}, {"b": True}]}}).encode()
    seen, schema = look(body, {"kind": "json", "JsonPath": "$.data.rows[*]"})
    assert (seen.records, schema["columns"]) == (3, [["a", "int"], ["b", "boolean"]])
    _, schema = look(body, {"kind": "json", "JsonPath": "$.nothing"})
    assert schema["columns"][0][0] == "data", "the next classifier is asked, then the built-in ones"
    assert parsed("$.a['b c'][0][*]") == ["a", "b c", 0, "*"]
    with pytest.raises(ValueError, match="not understood"):
        parsed("$..a")


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress])
def test_compressed_files_are_looked_into(look: Any, packed: Any) -> None:
    body = b"a,b\n" + b"1,x\n" * 1000
    seen, schema = look(packed(body))
    assert seen.records == 1000
    assert schema["columns"] == [["a", "bigint"], ["b", "string"]]
    assert schema["compression"] in ("gzip", "bzip2")
    broken, _ = look(packed(body)[:-4])
    assert (broken.kind, "ends in the middle" in broken.why) == ("unreadable", True)


def test_zstd_and_members_one_behind_the_other(look: Any) -> None:
    import pyarrow

    body = b"a,b\n" + b"1,x\n" * 1000
    packed = pyarrow.compress(body, codec="zstd", asbytes=True)
    seen, schema = look(packed)
    assert (seen.records, schema["compression"]) == (1000, "zstd")
    assert look(packed[:-4])[0].kind == "unreadable"
    seen, _ = look(gzip.compress(body) + gzip.compress(b"2,y\n" * 10))
    assert seen.records == 1010


def test_long_files_are_estimated(look: Any) -> None:
    row = b"12345,abcdefghij\n"
    seen, _ = look(b"id,name\n" + row * 200_000)
    assert abs(seen.records - 200_000) < 100
    import random

    many = random.Random(1)
    body = b"".join(b"%d,%d\n" % (many.randrange(10**9), many.randrange(10**9)) for _ in range(200_000))
    seen, _ = look(gzip.compress(body))
    assert abs(seen.records - 200_000) < 10_000
    seen, _ = look(b'{"a": 1, "b": "abcdef"}\n' * 100_000)
    assert abs(seen.records - 100_000) < 100


def test_parquet_and_orc_say_it_themselves(look: Any, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import orc, parquet

    table = pyarrow.table(
        {
            "Id": pyarrow.array([1, 2], pyarrow.int32()),
            "u": pyarrow.array([1, 2], pyarrow.uint32()),
            "price": pyarrow.array([1.5, 2.5]),
            "day": pyarrow.array([0, 1], pyarrow.date32()),
            "at": pyarrow.array([0, 1], pyarrow.timestamp("us")),
            "m": pyarrow.array([{"x": 1}, {"x": 2}]),
            "l": pyarrow.array([["a"], []]),
        }
    )
    expected = [
        *(["id", "int"], ["u", "bigint"], ["price", "double"], ["day", "date"], ["at", "timestamp"]),
        *(["m", ["struct", [["x", "bigint"]]]], ["l", ["array", "string"]]),
    ]
    path = tmp_path / "t"
    parquet.write_table(table, path)
    body = path.read_bytes()
    seen, schema = look(body)
    assert (seen.records, schema["columns"]) == (2, expected)
    assert (schema["classification"], schema["compression"]) == ("parquet", "snappy")
    broken, _ = look(body[:-10])
    assert broken.kind == "unreadable" and "Parquet" in broken.why
    orc.write_table(table.drop(["u"]), path)
    seen, schema = look(path.read_bytes())
    assert (seen.records, schema["classification"]) == (2, "orc")
    assert [one for one in expected if one[0] != "u"] == schema["columns"]


def test_avro_says_it_in_its_header(look: Any) -> None:
    fields = [{"name": "Id", "type": "long"}, {"name": "t", "type": ["null", {"type": "array", "items": "string"}]}]
    about = json.dumps({"type": "record", "name": "r", "fields": fields}).encode()

    def number(value: int) -> bytes:
        value, out = value << 1, bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes(out + bytes([value]))

    def text(one: bytes) -> bytes:
        return number(len(one)) + one

    block = number(3) + text(b"\x02\x00" * 3) + b"s" * 16
    body = b"Obj\x01" + number(1) + text(b"avro.schema") + text(about) + number(0) + b"s" * 16 + block * 2
    seen, schema = look(body)
    assert (seen.records, schema["columns"]) == (6, [["id", "bigint"], ["t", ["array", "string"]]])
    assert look(body[:20])[0].kind == "unreadable"


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", "empty", ""),
        (b"just some words\nand more of them\n", "unknown", "none of the formats"),
        (b"PK\x03\x04....", "unknown", "zip"),
        (b"\x00\x01\x02\x03" * 50, "unknown", "binary"),
        ("a,b\n1,ü\n".encode("latin-1"), "unknown", "UTF-8"),
        (b'{"a": 1}\n{"a": 2}\n{"a": \n', "unreadable", "line 3"),
        (b'{"a": 1', "unreadable", "JSON"),
        (b"[1, 2, 3]", "unreadable", "no objects"),
    ],
)
def test_what_cannot_be_read_is_named(look: Any, body: bytes, kind: str, word: str) -> None:
    seen, _ = look(body)
    assert seen.kind == kind
    assert word in seen.why


def test_without_pyarrow_only_its_formats_cannot_be_read(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    seen, _ = look(b"PAR1" + b"x" * 20)
    assert seen.kind == "unreadable" and "pip install 'clary[catalog]'" in seen.why
    assert look(b"a,b\n1,2\n2,3\n")[0].kind == "data"


def test_lines_by_a_grok_pattern(look: Any) -> None:
    body = b'1.2.3.4 - bob [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 23\n' * 3
    seen, schema = look(body, {"kind": "grok", "Classification": "web", "GrokPattern": "%{COMMONAPACHELOG}"})
    assert (seen.records, schema["classification"]) == (3, "web")
    assert [name for name, _ in schema["columns"]][:3] == ["clientip", "ident", "auth"]
    _, columns = compiled("%{MY:x:int} %{GREEDYDATA:rest}", r"MY \d+")
    assert columns == [["x", "int"], ["rest", "string"]]
    with pytest.raises(ValueError, match="not known"):
        compiled("%{NO:x}", "")


def test_types_are_merged_to_what_holds_both() -> None:
    assert types.merged("int", "double") == "double"
    assert types.merged("bigint", "boolean") == "string"
    assert types.merged("float", "bigint") == "double"
    assert types.merged("date", "timestamp") == "timestamp"
    assert types.merged("decimal(10,2)", "decimal(6,4)") == "decimal(12,4)"
    assert types.merged(["array", "int"], ["array", "bigint"]) == ["array", "bigint"]
    assert types.merged(["array", "int"], "int") == "string"
    assert types.merged(types.NOTHING, ["array", "int"]) == ["array", "int"]
    for text in ("array<struct<a:bigint,b:map<string,array<int>>>>", "decimal(10,2)", "string"):
        assert types.hive(types.read(text)) == text
    assert types.shared([["a", "int"], ["b", "int"]], [["A", "int"], ["c", "int"]]) == 0.5


@pytest.fixture
def processes() -> Iterator[SurveyProcesses]:
    made = SurveyProcesses(2)
    yield made
    made.close()


def test_processes_answer_as_one(processes: SurveyProcesses, tmp_path: Path) -> None:
    samples = []
    for number in range(200):
        path = tmp_path / str(number)
        path.write_bytes(b"a,b\n1,2\n" if number % 2 else b'{"a": 1}')
        samples.append(Sample(str(path), path.stat().st_size))
    samples.append(Sample(str(tmp_path / "none"), 5))

    async def ask() -> Survey:
        return await processes.survey(samples, [])

    said = asyncio.run(ask())
    assert len(processes.pids) == 2
    assert {one["classification"] for one in said.schemas} == {"json", "csv"} and len(said.schemas) == 2
    kinds = [said.schemas[one.schema]["classification"] for one in said.seen[:-1]]
    assert kinds == ["csv" if number % 2 else "json" for number in range(200)]
    assert said.seen[-1].kind == "unreadable"
    for pid in processes.pids:
        os.kill(pid, signal.SIGKILL)
    assert len(asyncio.run(ask()).schemas) == 2, "others are started"
