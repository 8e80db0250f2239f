"""recordio-protobuf: bytes that the SageMaker SDK wrote are read, what is written is read, what is broken is named."""

import io
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from clary.algorithms.recordio import batches, frames, wire
from clary.algorithms.recordio.frames import MAGIC, Malformed
from clary.algorithms.recordio.wire import Record, Tensor

# Written by sagemaker 2.257: write_numpy_to_dense_tensor of [[1.5, -2, 0], [3, 4, 5.25]] with the labels [1, 0].
FLOAT32 = (
    "0a23d7ce300000000a1a0a0676616c7565731210120e0a0c0000c03f000000c00000000012120a0676616c756573120812060a040000803f"
    "0a23d7ce300000000a1a0a0676616c7565731210120e0a0c00004040000080400000a84012120a0676616c756573120812060a0400000000"
)
FLOAT64 = (
    "0a23d7ce400000000a260a0676616c756573121c1a1a0a18000000000000f83f00000000000000c0000000000000000012160a0676616c75"
    "6573120c1a0a0a08000000000000f03f0a23d7ce400000000a260a0676616c756573121c1a1a0a1800000000000008400000000000001040"
    "000000000000154012160a0676616c756573120c1a0a0a080000000000000000"
)
# [[1, -2], [300, 4]] with the labels [1, -7].
INT32 = (
    "0a23d7ce2c0000000a190a0676616c756573120f3a0d0a0b01feffffffffffffffff01120f0a0676616c75657312053a030a01010a23d7ce"
    "2d0000000a110a0676616c75657312073a050a03ac020412180a0676616c756573120e3a0c0a0af9ffffffffffffffff01000000"
)
WITHOUT_LABEL = (
    "0a23d7ce1c0000000a1a0a0676616c7565731210120e0a0c0000c03f000000c0000000000a23d7ce1c0000000a1a0a0676616c7565731210"
    "120e0a0c00004040000080400000a840"
)
# write_spmatrix_to_sparse_tensor of [[0, 0, 1.5], [0, 0, 0], [2, 0, 3]] with the labels [1, 0, 1].
SPARSE = (
    "0a23d7ce2e0000000a180a0676616c756573120e120c0a040000c03f1201021a010312120a0676616c756573120812060a040000803f0000"
    "0a23d7ce250000000a0f0a0676616c756573120512031a010312120a0676616c756573120812060a04000000000000000a23d7ce33000000"
    "0a1d0a0676616c756573121312110a080000004000004040120200021a010312120a0676616c756573120812060a040000803f00"
)
# 70,000 columns: 1 in column 300, and 2 in column 5 of the second row.
SPARSE_WIDE = (
    "0a23d7ce1d0000000a1b0a0676616c7565731211120f0a040000803f1202ac021a03f0a2040000000a23d7ce1c0000000a1a0a0676616c75"
    "65731210120e0a04000000401201051a03f0a204"
)
TABLE = [[1.5, -2, 0], [3, 4, 5.25]]


def decoded(data: bytes) -> batches.Batch:
    found = batches.decode(data)
    assert found is not None
    return found


@pytest.mark.parametrize("written", [FLOAT32, FLOAT64])
def test_dense_records_of_the_sdk(written: str) -> None:
    found = decoded(bytes.fromhex(written))
    assert found.features.tolist() == TABLE and found.features.dtype == np.float32
    assert found.labels is not None and found.labels.tolist() == [1, 0]


def test_whole_numbers_of_the_sdk() -> None:
    found = decoded(bytes.fromhex(INT32))
    assert found.features.tolist() == [[1, -2], [300, 4]]
    assert found.labels is not None and found.labels.tolist() == [1, -7]


def test_records_without_labels() -> None:
    found = decoded(bytes.fromhex(WITHOUT_LABEL))
    assert found.features.tolist() == TABLE and found.labels is None


def test_sparse_records_of_the_sdk() -> None:
    found = decoded(bytes.fromhex(SPARSE))
    assert found.features.toarray().tolist() == [[0, 0, 1.5], [0, 0, 0], [2, 0, 3]]
    assert found.labels is not None and found.labels.tolist() == [1, 0, 1]
    wide = decoded(bytes.fromhex(SPARSE_WIDE)).features
    assert wide.shape == (2, 70_000) and (wide[0, 300], wide[1, 5], wide.nnz) == (1, 2, 2)


def test_what_is_written_is_byte_for_byte_the_sdks() -> None:
    out = io.BytesIO()
    batches.write(out, np.array(TABLE), [1, 0])
    assert out.getvalue().hex() == FLOAT32
    out = io.BytesIO()
    batches.write(out, csr_matrix(np.array([[0, 0, 1.5], [0, 0, 0], [2, 0, 3]])), [1, 0, 1])
    assert out.getvalue().hex() == SPARSE


@pytest.mark.parametrize("chunk", [7, 64, 1 << 20])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_any_cut_of_stream_and_batches_gives_the_same_table(
    chunk: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "CHUNK", chunk)
    values = np.random.default_rng(1).normal(size=(20, 5)).astype(np.float32)
    out = io.BytesIO()
    batches.write(out, values[:8], np.arange(8))
    batches.write(out, csr_matrix(values[8:12]), np.arange(8, 12))
    batches.write(out, values[12:], np.arange(12, 20))
    out.seek(0)
    found = list(batches.read(out, rows))
    assert all(one.count == rows for one in found[:-1]) and sum(one.count for one in found) == 20
    whole = batches.together(found)
    assert whole is not None and whole.labels is not None and whole.labels.tolist() == list(range(20))
    assert np.array_equal(whole.features.toarray(), values)


def test_large_tables_come_back() -> None:
    chance = np.random.default_rng(2)
    dense = chance.normal(size=(5_000, 40)).astype(np.float32)
    sparse = random_array((2_000, 100_000), density=2e-4, rng=chance, dtype=np.float32, format="csr")
    for table in (dense, csr_matrix(sparse)):
        out = io.BytesIO()
        batches.write(out, table)
        found = decoded(out.getvalue()).features
        assert found.shape == table.shape and not (found != table).sum()


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    pipe = tmp_path / "train_0"
    os.mkfifo(pipe)
    table = np.random.default_rng(3).normal(size=(30_000, 20)).astype(np.float32)

    def feed() -> None:
        with pipe.open("wb") as out:
            batches.write(out, table)

    feeder = threading.Thread(target=feed)
    feeder.start()
    with pipe.open("rb") as stream:
        found = list(batches.read(stream, 1_000))
    feeder.join()
    assert [one.count for one in found] == [1_000] * 30
    assert np.array_equal(np.concatenate([one.features for one in found]), table)


def test_every_field_of_a_record() -> None:
    record = Record(
        {"values": Tensor(np.array([1, 2], np.float64), np.array([3, 1 << 40], np.uint64), (1 << 41,))},
        {"score": Tensor(np.array([5], np.int32))},
        uid="one",
        metadata='{"a": 1}',
        configuration="c",
    )
    found = wire.decode(wire.encode(record))
    assert (found.uid, found.metadata, found.configuration) == ("one", '{"a": 1}', "c")
    values = found.features["values"]
    assert values.keys is not None and values.keys.tolist() == [3, 1 << 40]
    assert (values.values.tolist(), values.shape) == ([1, 2], (1 << 41,))
    assert found.label["score"].values.tolist() == [5]


def test_numbers_that_are_not_packed_are_read_too() -> None:
    tensor = b"\x0d" + struct.pack("<f", 1.5) + b"\x0d" + struct.pack("<f", 2)
    value = b"\x12" + bytes([len(tensor)]) + tensor
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    assert decoded(frames.frame(b"\x0a" + bytes([len(entry)]) + entry)).features.tolist() == [[1.5, 2]]


def test_a_record_in_parts_is_one_record() -> None:
    whole = wire.encode(Record({"values": Tensor(np.frombuffer(struct.pack("<I", MAGIC) * 2, np.float32))}))
    cut = whole.index(struct.pack("<I", MAGIC))
    parts = ((1, whole[:cut]), (2, b""), (3, whole[cut + 8 :]))
    data = b"".join(
        struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + bytes(-len(part) % 4) for kind, part in parts
    )
    assert decoded(data).features.tobytes() == struct.pack("<I", MAGIC) * 2


def test_answers_are_records_with_labels_alone() -> None:
    body = batches.answers([{"score": 0.5, "predicted_label": 1}, {"score": [0.25, 0.75], "predicted_label": 1}])
    found = [
        wire.decode(payload if isinstance(payload, bytes) else payload.tobytes())
        for payload in frames.blocks(io.BytesIO(body))
    ]
    assert [one.label["score"].values.tolist() for one in found] == [[0.5], [0.25, 0.75]]
    assert found[0].label["predicted_label"].values.tolist() == [1] and not found[0].features


def rows_of(*widths: int) -> bytes:
    out = io.BytesIO()
    for width in widths:
        batches.write(out, np.ones((1, width)), [1])
    return out.getvalue()


def record(**parts: object) -> bytes:
    return frames.frame(wire.encode(Record(**parts)))  # type: ignore[arg-type]


ONE = {"values": Tensor(np.ones(2, np.float32))}
BROKEN = {
    "a text": (b"1,2,3\n4,5,6\n", "record 1 does not begin with the magic number"),
    "cut off": (bytes.fromhex(FLOAT32)[:-3], "record 2 is cut off"),
    "only a head": (bytes.fromhex(FLOAT32)[:5], "record 1 is cut off"),
    "not protobuf": (frames.frame(b"\xff\xff\xff\xff"), "record 1: the message is cut off or damaged"),
    "a length too far": (frames.frame(b"\x0a\x7fabc"), "record 1: the message is cut off"),
    "no features": (record(label=ONE), 'record 1: it has no features named "values"'),
    "two labels": (record(features=ONE, label=ONE), "record 1: it has 2 labels"),
    "a missing label": (record(features=ONE) + rows_of(2), "1 of 2 records have a label"),
    "two widths": (rows_of(2, 3), "some records have 2 features, some 3"),
    "keys that do not pair": (
        record(features={"values": Tensor(np.ones(2, np.float32), np.ones(1, np.uint64), (9,))}),
        "not as many keys as values",
    ),
    "an unknown flag": (struct.pack("<II", MAGIC, 5 << 29), "record 1 has the unknown continuation flag"),
    "a part alone": (struct.pack("<II", MAGIC, 3 << 29), "record 1 is in parts that do not follow"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named(case: str) -> None:
    data, message = BROKEN[case]
    with pytest.raises(Malformed, match=message):
        batches.decode(data)


def test_nothing_is_no_table() -> None:
    assert batches.decode(b"") is None
