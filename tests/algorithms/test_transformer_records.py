"""What a batch transform makes of objects: requests, filtered records, joined answers."""

import io
import json
import struct
from dataclasses import replace
from typing import Any

import pytest

from clary.algorithms.contract import ClientError
from clary.algorithms.transformer import jsonpath
from clary.algorithms.transformer.faults import Failure
from clary.algorithms.transformer.records import Processing
from clary.algorithms.transformer.spec import Spec, Way
from clary.algorithms.transformer.splitting import batches
from clary.algorithms.transformer.upstream import Reply

SPEC = Spec(
    objects=(),
    upstreams=(),
    content_type="text/csv",
    accept=None,
    split="Line",
    strategy=None,
    assemble="None",
    gzip=False,
    max_payload_mb=None,
    max_concurrent=None,
    timeout=5.0,
    retries=0,
    pause=0.0,
    input_filter="$",
    output_filter="$",
    join=False,
)


def split(body: bytes, kind: str, payload: int, single: bool = False) -> list[tuple[int, bytes]]:
    return [(batch.first, batch.body) for batch in batches(io.BytesIO(body), kind, payload, single)]


def test_lines_fill_a_request_and_are_never_cut() -> None:
    assert split(b"a\nbb\nccc\nd", "Line", 6) == [(1, b"a\nbb\n"), (3, b"ccc\nd")]
    assert split(b"a\nbb\nccc\nd", "Line", 100) == [(1, b"a\nbb\nccc\nd")]
    assert split(b"a\nbb\nccc\n", "Line", 4) == [(1, b"a\n"), (2, b"bb\n"), (3, b"ccc\n")]
    assert split(b"", "Line", 4) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 50, 1000])
def test_what_is_split_into_lines_is_what_was_there(size: int) -> None:
    body = b"".join(b"x" * (number % 40) + b"\n" for number in range(300)) + b"last"
    payload = 41 + size
    made = split(body, "Line", payload)
    assert b"".join(part for _, part in made) == body
    assert all(len(part) <= payload for _, part in made)
    assert all(first == body[: body.index(part)].count(b"\n") + 1 for first, part in made[:1])
    singles = split(body, "Line", payload, single=True)
    assert [part for _, part in singles] == [line for line in body.split(b"\n") if line]
    assert [first for first, _ in singles] == [at for at, line in enumerate(body.split(b"\n"), 1) if line]


def test_a_record_that_is_too_large_is_named() -> None:
    for single in (False, True):
        with pytest.raises(Failure, match=r"Too much data for max payload size: record 2 is larger than 4 bytes"):
            split(b"a\nbbbbbbbb\nc\n", "Line", 4, single)
    with pytest.raises(Failure, match="SplitType is None"):
        split(b"12345", "None", 4)
    assert split(b"1234", "None", 4) == [(1, b"1234")]


def recordio(*records: bytes) -> bytes:
    magic = struct.pack("<I", 0xCED7230A)
    made = b""
    for record in records:
        parts = record.split(magic)
        for number, part in enumerate(parts):
            kind = 0 if len(parts) == 1 else 1 if number == 0 else 3 if number == len(parts) - 1 else 2
            made += magic + struct.pack("<I", kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
    return made


def tfrecord(*records: bytes) -> bytes:
    return b"".join(struct.pack("<QI", len(one), 7) + one + b"\1\2\3\4" for one in records)


def test_binary_records_keep_their_wrapping_in_many_and_lose_it_alone() -> None:
    magic = struct.pack("<I", 0xCED7230A)
    records = (b"one", b"four", b"with" + magic + b"the" + magic + b"magic", b"")
    for kind, made in (("RecordIO", recordio(*records)), ("TFRecord", tfrecord(*records))):
        assert [part for _, part in split(made, kind, 1000, single=True)] == list(records)
        assert split(made, kind, 1000) == [(1, made)]
        few = split(made, kind, 60)
        assert b"".join(part for _, part in few) == made and len(few) > 1
        with pytest.raises(Failure, match="record 4 is cut off"):
            split(made[:-1], kind, 1000)
    with pytest.raises(Failure, match="record 1 is larger"):
        split(tfrecord(b"x" * 100), "TFRecord", 50)
    with pytest.raises(Failure, match="not RecordIO: record 1"):
        split(b"a,b\nc,d\n", "RecordIO", 50)


DOCUMENT = {"id": 7, "in": {"a": 1, "b": [1, 2, 3], "c d": 4}, "rows": [{"x": 1}, {"x": 2}]}


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("$", [1, 2], [1, 2]),
        ("$[0]", ["a", "b"], "a"),
        ("$[-1]", ["a", "b"], "b"),
        ("$[1:]", ["a", "b", "c"], ["b", "c"]),
        ("$[0:-1]", ["a", "b", "c"], ["a", "b"]),
        ("$[:2]", ["a", "b", "c"], ["a", "b"]),
        ("$[0,-1]", ["a", "b", "c"], ["a", "c"]),
        ("$[0,2:]", ["a", "b", "c", "d"], ["a", "c", "d"]),
        ("$[ 0 , 2 ]", ["a", "b", "c"], ["a", "c"]),
        ("$.id", DOCUMENT, 7),
        ("$['id']", DOCUMENT, 7),
        ('$["in"].a', DOCUMENT, 1),
        ("$.in.b[1]", DOCUMENT, 2),
        ("$.in['c d']", DOCUMENT, 4),
        ("$['id','in']", DOCUMENT, {"id": 7, "in": DOCUMENT["in"]}),
        ("$.in.['a','b']", DOCUMENT, {"a": 1, "b": [1, 2, 3]}),
        ("$.in.b.*", DOCUMENT, [1, 2, 3]),
        ("$.rows[*].x", DOCUMENT, [1, 2]),
        ("$.*", {"a": 1, "b": 2}, [1, 2]),
    ],
)
def test_paths(text: str, value: Any, found: Any) -> None:
    assert jsonpath.compiled(text)(value) == found


@pytest.mark.parametrize(
    "text", ["", "id", "$..id", "$[?(@.a>1)]", "$[", "$[]", "$[1 2]", "$['a',1]", "$.", "$[1:2:3]"]
)
def test_what_is_no_path_is_said(text: str) -> None:
    with pytest.raises(jsonpath.BadPath):
        jsonpath.parsed(text)


@pytest.mark.parametrize(
    ("text", "value"), [("$[3]", ["a"]), ("$[0,9]", ["a"]), ("$.x", {}), ("$.x", []), ("$[0]", {}), ("$.*", 1)]
)
def test_what_is_not_there_is_said(text: str, value: Any) -> None:
    with pytest.raises(jsonpath.NotThere):
        jsonpath.compiled(text)(value)


def processed(spec: Spec, body: bytes, answer: bytes) -> tuple[bytes, bytes]:
    """(what the model is sent, what the output gets)."""
    processing = Processing(spec)
    sent, records = processing.before(body, 1)
    return sent, processing.after(records, Reply(200, {}, answer), 1)


def test_csv_is_joined_row_by_row() -> None:
    spec = replace(SPEC, input_filter="$[1:]", join=True, output_filter="$[0,-1]")
    sent, made = processed(spec, b'1,"a,b",x\r\n2,c,y\r\n', b"0.5\n0.25\n")
    assert sent == b'"a,b",x\nc,y\n'
    assert made == b"1,0.5\n2,0.25\n"
    assert processed(replace(SPEC, join=True), b"1,2\n", b"a,b\n")[1] == b"1,2,a,b\n"
    assert processed(replace(SPEC, output_filter="$[0]"), b"1,2\n", b"a,b\n")[1] == b"a\n"


def test_json_gets_the_answer_as_an_attribute() -> None:
    lines = replace(SPEC, content_type="application/jsonlines", join=True)
    body = b'{"id":1,"features":[1,2]}\n[3]\n'
    assert processed(lines, body, b'{"score":0.5}\n0.1\n')[1] == (
        b'{"id":1,"features":[1,2],"SageMakerOutput":{"score":0.5}}\n{"SageMakerInput":[3],"SageMakerOutput":0.1}\n'
    )
    spec = replace(lines, input_filter="$.features", output_filter="$['id','SageMakerOutput']")
    assert processed(spec, b'{"id":1,"features":[1,2]}\n', b"0.5\n") == (
        b"[1,2]\n",
        b'{"id":1,"SageMakerOutput":0.5}\n',
    )
    whole = replace(lines, content_type="application/json", split="None")
    sent, made = processed(whole, b'{"a": [1,\n2]}', b'{"b":\n3}')
    assert sent == b'{"a": [1,\n2]}'
    assert json.loads(made) == {"a": [1, 2], "SageMakerOutput": {"b": 3}}


def test_what_cannot_be_joined_is_said_in_awss_words() -> None:
    spec = replace(SPEC, join=True)
    with pytest.raises(Failure, match=r"mismatched line count between the input and the output: 2 .* 1 came"):
        processed(spec, b"1\n2\n", b"1\n")
    with pytest.raises(Failure, match="Failed to parse input as JSON Lines"):
        processed(replace(spec, content_type="application/jsonlines"), b"{\n", b"")
    with pytest.raises(Failure, match="Failed to parse output from the algorithm as JSON Lines"):
        processed(replace(spec, content_type="application/jsonlines"), b"{}\n", b"{")
    with pytest.raises(Failure, match="InputFilter cannot be applied to record 2: index 1 is not within the 1"):
        processed(replace(spec, input_filter="$[1]"), b"1,2\n3\n", b"")
    with pytest.raises(ClientError, match=r"DataProcessing.OutputFilter: the JSONPath '\$\.\.a'"):
        Processing(replace(spec, output_filter="$..a"))
    with pytest.raises(ClientError, match="ContentType to be one of text/csv"):
        Processing(replace(spec, content_type="image/png"))


def test_the_way_is_the_requests_then_the_servers_then_awss() -> None:
    assert str(Way.of(SPEC, {})) == "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    told = {"MaxConcurrentTransforms": 4, "MaxPayloadInMB": 2, "BatchStrategy": "SINGLE_RECORD"}
    assert str(Way.of(SPEC, told)) == "MaxConcurrentTransforms=4, MaxPayloadInMB=2, BatchStrategy=SINGLE_RECORD"
    asked = replace(SPEC, max_concurrent=2, max_payload_mb=0, strategy="MultiRecord")
    assert str(Way.of(asked, told)) == "MaxConcurrentTransforms=2, MaxPayloadInMB=0, BatchStrategy=MULTI_RECORD"
    assert Way.of(replace(SPEC, max_concurrent=0), {"MaxConcurrentTransforms": "many"}).concurrent == 1
