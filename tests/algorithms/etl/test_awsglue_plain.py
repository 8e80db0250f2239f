"""What of awsglue needs no Java: arguments, bookmarks, listings, documents, formats, names."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyspark")
pytestmark = pytest.mark.usefixtures("packages")


def test_arguments_are_found_in_both_spellings_and_the_last_counts() -> None:
    from awsglue.utils import getResolvedOptions

    argv = ["x.py", "--JOB_NAME", "j", "--day-key=1", "--day-key", "2", "--other", "3", "--TempDir", "s3://t/"]
    found = getResolvedOptions(argv, ["JOB_NAME", "day-key"])
    assert found["JOB_NAME"] == "j"
    assert found["day_key"] == found["day-key"] == "2"
    assert found["TempDir"] == "s3://t/"
    assert found["job_bookmark_option"] == "job-bookmark-disable"
    assert "other" not in found


def test_a_missing_argument_and_a_reserved_one_are_refused() -> None:
    from awsglue.utils import GlueArgumentError, getResolvedOptions

    with pytest.raises(GlueArgumentError, match="the following arguments are required: --input"):
        getResolvedOptions(["x.py"], ["input"])
    with pytest.raises(RuntimeError, match="reserved arguments JOB_RUN_ID"):
        getResolvedOptions(["x.py"], ["JOB_RUN_ID"])


def _run(mode: str, ml: Path, found: list[Any], listed: float, *, commit: bool) -> list[str]:
    """What one run of a job reads of `found`."""
    from awsglue.job import Job

    (ml / "input" / "config" / "etl.json").write_text(json.dumps({"bookmark": mode}))
    Job.init("j", {})
    chosen = Job.bookmarks.unread("source", found, listed)
    if commit:
        Job.commit()
        written = ml / "output" / "bookmark.json"
        if written.exists():
            written.replace(ml / "input" / "config" / "bookmark.json")
    return [one.path for one in chosen]


def test_a_committed_run_does_not_read_again_and_a_failed_one_does(ml: Path) -> None:
    from awsglue.objects import Found

    one, two = Found("s3://b/1", 5, 1000.0, "e1"), Found("s3://b/2", 5, 2000.0, "e2")
    assert _run("job-bookmark-enable", ml, [one], 1500.0, commit=False) == ["s3://b/1"]
    assert _run("job-bookmark-enable", ml, [one], 1600.0, commit=True) == ["s3://b/1"]
    assert _run("job-bookmark-enable", ml, [one, two], 2100.0, commit=True) == ["s3://b/2"]
    assert _run("job-bookmark-enable", ml, [one, two], 9000.0, commit=True) == []
    changed = Found("s3://b/1", 6, 9100.0, "e3")
    # An upload that began before the last listing and ended after it.
    late = Found("s3://b/0", 5, 8500.0, "e0")
    assert _run("job-bookmark-enable", ml, [late, changed, two], 9200.0, commit=True) == ["s3://b/0", "s3://b/1"]
    kept = json.loads((ml / "input" / "config" / "bookmark.json").read_text())["contexts"]["source"]
    assert set(kept["recent"]) == {"s3://b/0", "s3://b/1"}


def test_paused_bookmarks_are_read_and_not_written_and_disabled_ones_neither(ml: Path) -> None:
    from awsglue.objects import Found

    one, two = Found("s3://b/1", 5, 1000.0, "e1"), Found("s3://b/2", 5, 2000.0, "e2")
    assert _run("job-bookmark-enable", ml, [one], 1500.0, commit=True) == ["s3://b/1"]
    for _ in range(2):
        assert _run("job-bookmark-pause", ml, [one, two], 2100.0, commit=True) == ["s3://b/2"]
    assert _run("job-bookmark-disable", ml, [one, two], 2100.0, commit=True) == ["s3://b/1", "s3://b/2"]
    assert _run("job-bookmark-enable", ml, [one, two], 2100.0, commit=True) == ["s3://b/2"]


def test_what_a_bound_leaves_is_read_by_the_next_run(ml: Path, tmp_path: Path) -> None:
    from awsglue import sources
    from awsglue.job import Job

    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.csv").write_text("x")
        os.utime(folder / f"{n}.csv", (1000.0 + n, 1000.0 + n))
    (ml / "input" / "config" / "etl.json").write_text(json.dumps({"bookmark": "job-bookmark-enable"}))
    seen: list[str] = []
    for _ in range(4):
        Job.init("j", {})
        found = sources.unread([str(folder)], {"boundedFiles": 1}, "source")
        seen += [Path(one.path).name for one in found]
        Job.commit()
        (ml / "output" / "bookmark.json").replace(ml / "input" / "config" / "bookmark.json")
    assert seen == ["0.csv", "1.csv", "2.csv"]


def test_a_bookmark_that_is_none_and_a_commit_without_init_say_what_to_do(ml: Path) -> None:
    from awsglue.job import Job

    with pytest.raises(RuntimeError, match=r"comes after job\.init"):
        Job.commit()
    (ml / "input" / "config" / "etl.json").write_text(json.dumps({"bookmark": "job-bookmark-enable"}))
    (ml / "input" / "config" / "bookmark.json").write_text("{}")
    with pytest.raises(ValueError, match="ResetJobBookmark"):
        Job.init("j", {})


def test_a_listing_leaves_out_what_hadoop_does_and_what_is_excluded(tmp_path: Path) -> None:
    from awsglue.objects import listing

    for name in ("a.csv", "_SUCCESS", ".a.crc", "in/b.csv", "_temporary/c.csv", "k=_x/d.csv", "in/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "empty.csv").touch()

    def names(**options: Any) -> list[str]:
        return [str(Path(one.path).relative_to(tmp_path)) for one in listing([str(tmp_path)], **options)]

    assert names(recurse=False) == ["a.csv"]
    assert names(recurse=True) == ["a.csv", "in/b.csv", "in/e.txt", "k=_x/d.csv"]
    assert names(recurse=True, exclusions=["**.txt", f"{tmp_path}/k=*/**"]) == ["a.csv", "in/b.csv"]
    globbed = listing([f"{tmp_path}/{{a,in/b}}.csv"], recurse=False)
    assert [Path(one.path).name for one in globbed] == ["a.csv", "b.csv"]


def test_documents_are_found_in_lists_lines_and_at_paths_and_mistakes_are_told() -> None:
    from awsglue.documents import documents, steps

    text = '{"a":1}{"a":2}\n[{"a":3},\n {"a":4}]\nnot one\n{"a":5}\n7'
    found = list(documents(text))
    assert [json.loads(one)["a"] for why, one in found if why is None] == [1, 2, 3, 4, 5]
    assert [why for why, _ in found if why] == ["is no JSON: Expecting value", "is int, not a record (an object)"]
    inside = list(documents('{"items":[{"v":{"x":1}},{"v":{"x":2}}]}', steps("$.items[*].v")))
    assert [one for _, one in inside] == ['{"x": 1}', '{"x": 2}']
    with pytest.raises(ValueError, match=r"use names, \[n\] and \[\*\]"):
        steps("$..deep")


def test_objects_that_cannot_be_read_are_told_by_their_ends(tmp_path: Path) -> None:
    from awsglue.objects import listing
    from awsglue.probing import probed

    pyarrow, parquet, orc = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet", "pyarrow.orc"))
    table = pyarrow.table({"a": [1]})
    for kind, write in (("parquet", parquet.write_table), ("orc", orc.write_table)):
        folder = tmp_path / kind
        folder.mkdir()
        write(table, folder / "good")
        whole = (folder / "good").read_bytes()
        (folder / "cut").write_bytes(whole[:-9])
        (folder / "other").write_bytes(b"this is text")
        looked = {Path(one.found.path).name: one.why for one in probed(listing([str(folder)], recurse=True), kind)}
        assert looked["good"] is None
        assert looked["cut"]
        assert looked["other"]
    text = tmp_path / "text"
    text.mkdir()
    (text / "good.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    (text / "bad.csv.gz").write_bytes(b"a,b\n")
    (text / "bad.csv").write_bytes(b"\0\1\2\n")
    found = {Path(one.found.path).name: one for one in probed(listing([str(text)], recurse=True), "csv")}
    assert found["good.csv.gz"].line == b"a,b"
    assert found["bad.csv.gz"].why == "it is not compressed with gzip, as its name says"
    assert found["bad.csv"].why == "it is not text: there are NUL bytes in it"


def test_formats_and_connections_that_are_not_offered_are_refused_by_name() -> None:
    from awsglue import formats, sources

    for format, options, words in (
        ("avro", {}, "Avro module"),
        ("grokLog", {}, "grok"),
        ("nope", {}, "not known"),
        ("csv", {"withHaeder": True}, "no option 'withHaeder'"),
    ):
        with pytest.raises(formats.FormatError, match=words):
            formats.known(format, options)
    assert formats.known("glueparquet", {}) == "parquet"
    with pytest.raises(sources.RefusedError, match="'mysql' is not offered"):
        sources.refuse_connection("mysql")
    with pytest.raises(formats.FormatError, match="not compressed with 'lzo'"):
        formats.compression("parquet", {"compression": "lzo"}, {})


def test_names_of_catalogs_go_from_statements_and_literals_stay() -> None:
    from awsglue.sessions import plain

    text = (
        "select 'glue_catalog.a.b', x.glue_catalog.y from glue_catalog.db.t join `glue_catalog`.`d`.u -- glue_catalog.z"
    )
    assert plain(text, {"glue_catalog"}) == (
        "select 'glue_catalog.a.b', x.glue_catalog.y from db.t join `d`.u -- glue_catalog.z"
    )


def test_statements_that_would_not_reach_the_catalog_are_refused() -> None:
    from awsglue.sessions import _refuse, plain

    for text in ("merge into glue_catalog.d.t using s on 1=1", "Create Table d.t (a int) using iceberg"):
        with pytest.raises(NotImplementedError, match="does not go through to the catalog"):
            _refuse(text, plain(text, {"glue_catalog"}))
    for text in ("select 1", "create view v as select * from t", "insert into glue_catalog.d.t values (1)"):
        _refuse(text, plain(text, {"glue_catalog"}))


def test_tables_say_how_their_files_are_read() -> None:
    from awsglue.catalog import Table, TableError

    def format(library: str, parameters: dict[str, str], **table: str) -> Any:
        storage = {"SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}
        return Table("d", "t", {"StorageDescriptor": storage, "Parameters": table}).format()

    simple = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    assert format(simple, {"field.delim": "|"}, **{"skip.header.line.count": "1"}) == (
        "csv",
        {"separator": "|", "skipFirst": True, "nullValue": "\\N"},
    )
    assert format(simple, {"serialization.format": "1"})[1]["separator"] == "\x01"
    assert format("org.apache.hadoop.hive.serde2.OpenCSVSerde", {"separatorChar": ";", "quoteChar": "'"})[1] == {
        "separator": ";",
        "quoteChar": "'",
        "skipFirst": False,
    }
    assert format("org.openx.data.jsonserde.JsonSerDe", {})[0] == "json"
    with pytest.raises(TableError, match="are not read here"):
        format("com.example.Serde", {})


def test_a_table_that_is_missing_is_told_in_glues_words_in_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from awsglue import objects
    from awsglue.catalog import Catalog
    from botocore.stub import Stubber

    from clary.algorithms.etl.failures import explained

    glue = boto3.client("glue", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s")
    monkeypatch.setattr(objects, "client", lambda service: glue)
    with Stubber(glue) as stub:
        stub.add_client_error("get_table", "EntityNotFoundException", "Entity Not Found")
        with pytest.raises(LookupError) as caught:
            Catalog().table("shop", "gone")
    said = explained(caught.value, [__file__], None, "1g")
    assert "EntityNotFoundException: there is no table 'gone' in the database 'shop' of the catalog, line" in said
    assert said.endswith('test_awsglue_plain.py: Catalog().table("shop", "gone")')
