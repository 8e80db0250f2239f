"""Channels of every format become the same table; every broken file is named with its line."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from clary.algorithms.contract import Channel, ClientError
from clary.algorithms.recordio import batches
from clary.algorithms.xgboost.data import check_labels, matrix, parse_content_type, read_channel
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.libsvm import parse_libsvm
from clary.algorithms.xgboost.table import Rows

EXPECTED = [[1.5, 2.0], [np.nan, -4.0], [0.0, 1e-3]]
LABELS = [0.0, 1.0, 2.0]


def channel(root: Path, kind: str | None, **files: str | bytes) -> Channel:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Channel("train", root, kind, "File")


def failure(root: Path, kind: str | None, content: str | bytes) -> str:
    with pytest.raises(ClientError) as caught:
        read_channel(channel(root, kind, part=content))
    return str(caught.value)


def same(rows: Rows) -> None:
    np.testing.assert_array_equal(rows.labels, np.array(LABELS, np.float32))
    dense = rows.features if isinstance(rows.features, np.ndarray) else rows.features.toarray()
    np.testing.assert_array_equal(np.nan_to_num(dense), np.nan_to_num(np.array(EXPECTED, np.float32)))


CSV = "0,1.5,2\n1,,-4\n2,0,1e-3\n"


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.rstrip("\n"),
        CSV.replace("\n", "\r\n"),
        CSV.replace("\n", "\n\n"),
        "\ufeff" + CSV,
        CSV.replace(",", "\t"),
        CSV.replace(",", ";"),
        '"0","1.5","2"\n"1","","-4"\n"2","0","1e-3"\n',
        " 0, 1.5 ,2\n1,nan,-4\n2,0.0,0.001",
    ],
)
def test_csv_of_all_sorts(tmp_path: Path, content: str) -> None:
    rows = read_channel(channel(tmp_path, "text/csv", part=content))
    same(rows)
    assert np.isnan(rows.features[1, 0])


def test_files_are_joined_in_the_order_of_their_names_and_hidden_ones_left_out(tmp_path: Path) -> None:
    same(
        read_channel(
            channel(
                tmp_path,
                "text/csv;label_size=1",
                b="1,,-4\n",
                a__part="0,1.5,2\n",
                c__d__part=gzip.compress(b"2,0,1e-3\n"),
                **{".crc": "x", "_SUCCESS": "y", "_temporary__part": "z", "empty": ""},
            )
        )
    )


def test_weights_stand_in_the_second_column(tmp_path: Path) -> None:
    rows = read_channel(channel(tmp_path, "text/csv; csv_weights", part="0,3,1.5,2\n1,4,,-4\n2,5,0,1e-3\n"))
    same(rows)
    assert rows.weights is not None and rows.weights.tolist() == [3, 4, 5]
    assert read_channel(channel(tmp_path, "text/csv"), csv_weights=True).weights is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label,a,b\n0,1,2\n", "File part, line 1, column 1: 'label' is not a number. CSV training data has no header"),
        ("0,1,2\n1,red,2\n", "File part, line 2, column 2: 'red' is not a number."),
        ("0,1,2\n\n1,red,2\n", "line 3, column 2"),
        ("0,1,2\n1,2\n", "File part, line 2: 2 columns where the lines before have 3."),
        ("0,1,2\n1,2,3,4\n", "line 2: 4 columns"),
        ("0,1,2\n,2,3\n", "line 2: the label (column 1) is missing"),
        ("0,1,2\n1,inf,3\n", "line 2, column 2: inf is too large"),
        ("0,1,2\n1,1e300,3\n", "line 2, column 2: 1e300 is too large"),
        ("0\n1\n", "has 1 column(s)"),
        ("\n\n", "No data in train channel path"),
        (b"\x00\x01\x02,\xff\n", "line 1, column 1"),
        (b"\x1f\x8bnot gzip", "Cannot read file part"),
    ],
)
def test_a_broken_csv_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert message in failure(tmp_path, "text/csv", content)


def test_weights_must_be_there_and_not_negative(tmp_path: Path) -> None:
    assert "the weight (column 2) is missing" in failure(tmp_path, "csv;csv_weights=1", "0,,1,2\n")
    assert "the weight (column 2) is negative" in failure(tmp_path, "csv;csv_weights=1", "0,-1,1,2\n")


def test_files_of_different_widths_are_named(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="File b has 3 feature columns, but a has 2"):
        read_channel(channel(tmp_path, "text/csv", a="0,1,2\n", b="0,1,2,3\n"))


LIBSVM = "0 0:1.5 1:2 # first\n\n1 1:-4\n2 0:0 1:1e-3\n"


@pytest.mark.parametrize("kind", [None, "libsvm", "text/libsvm;charset=utf8", "text/x-libsvm"])
def test_libsvm_is_read_and_is_the_default(tmp_path: Path, kind: str | None) -> None:
    rows = read_channel(channel(tmp_path, kind, part=LIBSVM))
    same(rows)
    assert rows.sparse and rows.features.nnz == 5


def test_libsvm_weights_and_groups() -> None:
    rows = parse_libsvm([b"1:0.5 qid:1 0:2", b"0:2 qid:1 1:3", b"1:1 qid:2"], "part")
    assert rows.weights is not None and rows.weights.tolist() == [0.5, 2, 1]
    assert rows.groups is not None and rows.groups.tolist() == [1, 1, 2]
    assert rows.features.toarray().tolist() == [[2, 0], [0, 3], [0, 0]]


def test_rows_of_one_query_stand_together_and_weigh_as_one() -> None:
    rows = parse_libsvm([b"1:2 qid:7 0:1", b"0:3 qid:4 0:2", b"2:2 qid:7 0:3", b"0:3 qid:4 0:4"], "part")
    made = matrix(xgb, rows, 1, "rank:ndcg")
    assert made.get_label().tolist() == [0, 0, 1, 2]
    assert made.get_weight().tolist() == [3, 2]
    assert made.get_group().tolist() == [2, 2]
    uneven = parse_libsvm([b"1:2 qid:7 0:1", b"0:3 qid:7 0:2"], "part")
    with pytest.raises(ClientError, match="Query 7 has rows of different weights"):
        matrix(xgb, uneven, 1, "rank:ndcg")


def recordio(features: Any, labels: Any) -> bytes:
    stream = io.BytesIO()
    batches.write(stream, features, labels)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["recordio-protobuf", "application/x-recordio-protobuf"])
def test_recordio_dense_and_sparse(tmp_path: Path, kind: str) -> None:
    content = recordio(np.array(EXPECTED, np.float32), np.array(LABELS, np.float32))
    same(read_channel(channel(tmp_path, kind, part=content)))
    sparse = recordio(csr_matrix(np.nan_to_num(EXPECTED)), np.array(LABELS))
    rows = read_channel(channel(tmp_path / "sparse", kind, part=sparse))
    same(rows)
    assert rows.sparse and rows.features.nnz == 4
    two = channel(tmp_path / "both", kind, a=sparse, b=sparse + sparse)
    assert read_channel(two).count == 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0,1,2\n", "File part is not recordio-protobuf"),
        (recordio(np.ones((2, 2)), None), "File part: its records have no label"),
        (recordio(np.ones((2, 2)), np.array([1, np.nan])), "File part, record 2: the label is not a number"),
        (recordio(np.ones((2, 2)), np.zeros(2))[:-5], "File part is not recordio-protobuf"),
    ],
)
def test_a_broken_recordio_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in failure(tmp_path, "recordio-protobuf", content)


def test_libsvm_files_of_different_widths_are_widened(tmp_path: Path) -> None:
    rows = read_channel(channel(tmp_path, None, a="0 0:1\n", b="1 4:1\n"))
    assert rows.features.shape == (2, 5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0,1,2\n", "File part, row 1: '0,1,2' is not a number"),
        ("0 1,2\n", "line 1: '0 1,2' is not libsvm"),
        ("0 0:1\n1 a:2\n", "row 2: 'a' is not an index"),
        ("0 0:1\n1 0:b\n", "row 2: 'b' is not a number"),
        ("0 -1:1\n", "'-1' is not an index"),
        ("nan 0:1\n", "'nan' is not a number"),
        ("0 0:inf\n", "'inf' is not a number"),
        ("0:1 0:1\n1 0:1\n", "line 2: weights and qid must stand on all lines or on none"),
        ("0 qid:x 0:1\n", "qid must be followed by a whole number"),
    ],
)
def test_a_broken_libsvm_file_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    assert message in failure(tmp_path, None, content)


def test_csv_without_a_content_type_says_what_to_set(tmp_path: Path) -> None:
    assert "set the channel's ContentType to text/csv" in failure(tmp_path, None, "0 1 2\n")


def parquet(**columns: list[object]) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def test_parquet_label_first(tmp_path: Path) -> None:
    content = parquet(y=[0, 1, 2], a=[1.5, None, 0.0], b=[2, -4, 1e-3])
    same(read_channel(channel(tmp_path, "application/x-parquet", part=content)))
    assert read_channel(channel(tmp_path, "parquet", part=parquet(y=[0], a=[True]))).features.tolist() == [[1]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0,1,2\n", "File part is not Parquet"),
        (parquet(y=[0], color=["red"]), "column 2 ('color') holds string, not numbers"),
        (parquet(y=[0, None], a=[1, 2]), "row 2: the label is missing"),
        (parquet(y=[0], a=[float("inf")]), "column 2 ('a') holds an infinite"),
        (parquet(y=[0]), "has 1 column(s)"),
    ],
)
def test_a_broken_parquet_file_is_named_with_its_column(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in failure(tmp_path, "parquet", content)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("image/png", "is not an accepted ContentType"),
        ("text/plain", "is not an accepted ContentType"),
        ("text/csv;label_size=0", "label_size must be 1"),
    ],
)
def test_types_that_are_not_read(kind: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        parse_content_type(kind)


def test_an_empty_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="No data in train channel path"):
        read_channel(channel(tmp_path, "text/csv"))
    with pytest.raises(ClientError, match="No data in train channel path"):
        read_channel(channel(tmp_path / "nowhere", "text/csv"))
    with pytest.raises(ClientError, match="there is no FIFO"):
        read_channel(Channel("train", tmp_path / "train", "text/csv", "Pipe"))


@pytest.mark.parametrize(
    ("objective", "label", "allowed"),
    [
        ("multi:softmax", 3, r"integers in \[0, 3\)"),
        ("multi:softprob", 0.5, r"integers in \[0, 3\)"),
        ("binary:logistic", 2, r"in \[0, 1\]"),
        ("binary:hinge", 0.5, "0 or 1"),
        ("count:poisson", -1, "at least 0"),
        ("reg:gamma", 0, "above 0"),
        ("survival:aft", 0, "times above 0"),
    ],
)
def test_labels_must_fit_the_objective(objective: str, label: float, allowed: str) -> None:
    rows = Rows(np.zeros((2, 1), np.float32), np.array([1, label], np.float32))
    with pytest.raises(ClientError, match=f"Channel train: label {label:g} does not fit .*{allowed}"):
        check_labels(rows, "train", objective, 3)
    check_labels(rows, "train", "reg:squarederror", None)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_libsvm_fail_otherwise_than_by_name(content: bytes) -> None:
    try:
        parse_libsvm(content.splitlines(), "part")
    except ClientError as error:
        assert "File part" in str(error)


@settings(max_examples=60, deadline=None)
@given(content=st.one_of(st.binary(min_size=1, max_size=120), st.text("0123456789.,-e\n\"' ", min_size=1, max_size=80)))
def test_no_bytes_make_csv_fail_otherwise_than_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    root = tmp_path_factory.mktemp("csv")
    try:
        read_channel(channel(root, "text/csv", part=content))
    except ClientError as error:
        assert "part" in str(error) or "No data" in str(error)
