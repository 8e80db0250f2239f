"""What a file becomes: bodies, labels, and words where it cannot be sent."""

from pathlib import Path

import pytest

from clary.stress.rows import BadRows, read


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_lines_of_csv_are_requests(tmp_path: Path) -> None:
    found = read(file(tmp_path, "a.csv", "1,2\n\n3,4\n"), None, False, None)
    assert (found.bodies, found.labels, found.content_type) == (("1,2", "3,4"), (), "text/csv")


@pytest.mark.parametrize("label", ["class", "3", "-1"])
def test_header_and_label_are_not_sent(tmp_path: Path, label: str) -> None:
    path = file(tmp_path, "a.csv", 'size,name,class\n1,"x, y",0\n2,z,1\n')
    found = read(path, None, True, label)
    assert found.bodies == ('1,"x, y"', "2,z")
    assert found.labels == ("0", "1")


def test_json_lines_lose_the_labels_member(tmp_path: Path) -> None:
    found = read(file(tmp_path, "a.jsonl", '{"a": 1, "y": 2}\n{"a": 3, "y": "z"}\n'), "application/json", False, "y")
    assert found.bodies == ('{"a": 1}', '{"a": 3}')
    assert found.labels == ("2", "z")
    assert found.content_type == "application/json"


def test_rows_go_together_and_other_types_whole(tmp_path: Path) -> None:
    path = file(tmp_path, "a.csv", "1\n2\n3\n")
    assert read(path, None, False, None, together=2).bodies == ("1\n2", "3")
    whole = read(file(tmp_path, "a.json", '{\n"a": 1}\n'), None, False, None)
    assert whole.bodies == ('{\n"a": 1}\n',)
    raw = tmp_path / "a.npy"
    raw.write_bytes(bytes(range(256)))
    assert read(raw, None, False, None).bodies[0].encode("latin-1") == bytes(range(256))


@pytest.mark.parametrize(
    ("name", "text", "given", "words"),
    [
        ("a.dat", "1", {}, "--content-type"),
        ("a.csv", "\n", {}, "no rows"),
        ("a.csv", "a,b\n1,2\n", {"skip_header": True, "label": "c"}, "the header has: a, b"),
        ("a.csv", "1,2\n", {"label": "c"}, "--skip-header"),
        ("a.csv", "1,2\n3\n", {"label": "2"}, "row 2 has 1 columns"),
        ("a.jsonl", "[1]\n", {"label": "y"}, "line 1"),
        ("a.csv", "1,2\n", {"label": "1", "together": 2}, "one row is one request"),
    ],
)
def test_what_cannot_be_sent_says_what_to_do(
    tmp_path: Path, name: str, text: str, given: dict[str, object], words: str
) -> None:
    wanted = {"content_type": None, "skip_header": False, "label": None, "together": 1, **given}
    with pytest.raises(BadRows, match=words):
        read(file(tmp_path, name, text), **wanted)  # type: ignore[arg-type]
