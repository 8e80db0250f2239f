"""The console's data pages on a real server: files with previews, the catalog, and SQL."""

import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.browser import Console
from tests.real import TRUST, RealClary

CARS = "buying,doors,price\n" + "".join(
    f"{level},{doors},{doors * 1.5}\n" for level in ("low", "high") for doors in (2, 3, 4)
)
WEIRD = "odd/a//with space/ü+%&'.txt"


@dataclass(frozen=True)
class Lake:
    """What lies in the bucket "lake" of the server."""

    server: RealClary
    s3: Any
    athena: Any


@pytest.fixture(scope="module")
def lake(server: RealClary) -> Lake:
    s3, glue = server.client("s3"), server.client("glue")
    s3.create_bucket(Bucket="lake")
    for key, body in _files().items():
        s3.put_object(Bucket="lake", Key=key, Body=body)
    for number in range(130):
        s3.put_object(Bucket="lake", Key=f"many/file-{number:04d}.txt", Body=b"x")
    glue.create_database(DatabaseInput={"Name": "lake", "Description": "What the tests read"})
    glue.create_table(DatabaseName="lake", TableInput=_cars())
    return Lake(server, s3, server.client("athena"))


def _files() -> dict[str, bytes]:
    lines = "".join(json.dumps({"id": number, "kind": "b" if number % 2 else "a"}) + "\n" for number in range(5))
    return {
        "cars/cars.csv": CARS.encode(),
        "look/packed.csv.gz": gzip.compress(CARS.encode()),
        "look/metrics.json": b'{"accuracy": 0.956, "labels": ["acc", "good"]}',
        "look/events.jsonl": lines.encode(),
        "look/train.log": b"epoch 1 loss=0.5\nepoch 2 loss=0.25\n",
        "look/long.log": b"0123456789abcde\n" * 40_000,
        "look/plot.png": _png(40, 30),
        "look/model.tar.gz": _archive({"model.json": b"{}" * 600, "code/inference.py": b"x = 1\n"}),
        "look/some.bin": bytes(range(256)),
        "look/nothing": b"",
        WEIRD: b"found",
    }


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"".join(b"\0" + bytes((90, 60, 200)) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def _archive(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def _cars() -> dict[str, Any]:
    types = {"buying": "string", "doors": "int", "price": "double"}
    return {
        "Name": "cars",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind, "Comment": f"about {name}"} for name, kind in types.items()],
            "Location": "s3://lake/cars/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        },
    }


def row(page: Page, *texts: str) -> Locator:
    found = page.get_by_role("row")
    for text in texts:
        found = found.filter(has_text=text)
    return found.first


def test_a_bucket_is_made_emptied_and_deleted(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/s3")
    expect(page.get_by_role("heading", name="Buckets")).to_be_visible()
    expect(row(page, "lake", "us-east-1")).to_be_visible()
    tab.well("data-buckets")
    page.get_by_role("button", name="Create bucket").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("My_Bucket")
    expect(dialog.get_by_text("Only small letters: bucket names are parts of host names")).to_be_visible()
    expect(dialog.get_by_role("button", name="Create", exact=True)).to_be_disabled()
    dialog.get_by_label("Name").fill("made-here")
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("This bucket is empty")).to_be_visible()
    lake.s3.put_object(Bucket="made-here", Key="in/the/way", Body=b"x")

    tab.go("/data/s3")
    row(page, "made-here").get_by_role("radio").click()
    for verb, gone in (
        ("Empty", "made-here is empty: 1 object or version deleted."),
        ("Delete", "The bucket made-here is deleted."),
    ):
        page.get_by_role("button", name=verb, exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name=verb, exact=True)).to_be_disabled()
        dialog.get_by_role("textbox").fill("made-here")
        dialog.get_by_role("button", name=verb, exact=True).click()
        expect(page.get_by_text(gone)).to_be_visible()
    assert "made-here" not in [one["Name"] for one in lake.s3.list_buckets()["Buckets"]]
    assert tab.complaints == []


def test_files_go_up_and_come_down_byte_for_byte(tab: Console, lake: Lake, tmp_path: Path) -> None:
    page = tab.page
    large = bytes(range(256)) * 45_000  # 11.5 MB: more than one part
    (tmp_path / "large.bin").write_bytes(large)
    (tmp_path / "notes ü+%.txt").write_text("from the browser")
    tab.go("/data/s3/lake?prefix=up/")
    expect(page.get_by_text("Nothing lies here")).to_be_visible()
    tab.well("data-folder-empty")
    page.get_by_label("Files to upload").first.set_input_files([tmp_path / "large.bin", tmp_path / "notes ü+%.txt"])
    expect(page.get_by_role("heading", name="Uploads (2 of 2)")).to_be_visible()
    expect(row(page, "large.bin", "11.5 MB")).to_be_visible()
    tab.well("data-uploads")
    stored = lake.s3.get_object(Bucket="lake", Key="up/large.bin")
    assert stored["Body"].read() == large
    assert stored["ETag"].strip('"').endswith("-2"), "it went up in two parts"
    assert lake.s3.get_object(Bucket="lake", Key="up/notes ü+%.txt")["Body"].read() == b"from the browser"
    page.get_by_role("button", name="Close", exact=True).click()

    # What is there already is replaced only when somebody says so.
    (tmp_path / "notes ü+%.txt").write_text("the second")
    page.get_by_label("Files to upload").first.set_input_files(tmp_path / "notes ü+%.txt")
    page.get_by_role("button", name="Replace up/notes ü+%.txt").click()
    expect(page.get_by_role("heading", name="Uploads (1 of 1)")).to_be_visible()
    assert lake.s3.get_object(Bucket="lake", Key="up/notes ü+%.txt")["Body"].read() == b"the second"

    page.get_by_role("link", name="large.bin", exact=True).click()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download", exact=True).click()
    assert coming.value.suggested_filename == "large.bin"
    assert Path(coming.value.path()).read_bytes() == large
    assert tab.complaints == []


def test_what_is_chosen_is_counted_and_deleted(tab: Console, lake: Lake) -> None:
    page = tab.page
    for key in ("del/one.txt", "del/deep/two.txt", "del/deep/er/three.txt", "del/stays.txt"):
        lake.s3.put_object(Bucket="lake", Key=key, Body=b"x")
    tab.go("/data/s3/lake?prefix=del/")
    for name in ("one.txt", "deep"):
        page.get_by_role("checkbox", name=f"Choose {name}", exact=True).check()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 object and 1 folder with everything below: 2 objects.")).to_be_visible()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("3 objects deleted.")).to_be_visible()
    expect(row(page, "deep/")).to_have_count(0)
    left = lake.s3.list_objects_v2(Bucket="lake", Prefix="del/")["Contents"]
    assert [one["Key"] for one in left] == ["del/stays.txt"]

    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Make a folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("new/er")
    page.get_by_role("dialog").get_by_role("button", name="Make", exact=True).click()
    expect(page.get_by_text("Nothing lies here")).to_be_visible()
    assert lake.s3.head_object(Bucket="lake", Key="del/new/er/")["ContentLength"] == 0
    assert tab.complaints == []


def test_a_large_folder_has_pages_and_filters(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/s3/lake?prefix=many/")
    expect(row(page, "file-0000.txt")).to_be_visible()
    expect(page.get_by_role("link", name="file-0100.txt")).to_have_count(0)
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("link", name="file-0129.txt")).to_be_visible()
    page.get_by_label("Filter names").fill("file-001")
    expect(page.get_by_role("link", name="file-0019.txt")).to_be_visible()
    expect(page.get_by_role("link", name="file-0129.txt")).to_have_count(0)
    page.get_by_role("button", name="How the filter looks").click()
    page.get_by_role("option", name="contains").click()
    page.get_by_label("Filter names").fill("29.")
    expect(page.get_by_text("2 found in 130 names")).to_be_visible()
    tab.well("data-folder-filter")


def test_keys_of_every_kind_are_found(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/s3/lake?prefix=odd/")
    for name in ("a/", "(no name)/", "with space/", "ü+%&'.txt"):
        page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_label("Text", exact=True)).to_have_text("found")
    expect(page.get_by_text(f"s3://lake/{WEIRD}", exact=True)).to_be_visible()
    assert tab.complaints == []


@pytest.fixture
def panel(tab: Console, lake: Lake) -> Iterator[Any]:
    """Opens an object of look/."""

    def show(name: str) -> Page:
        tab.go(f"/data/s3/lake?prefix=look/&object={name}")
        expect(tab.page.get_by_role("heading", name=name)).to_be_visible()
        return tab.page

    yield show
    assert tab.complaints == []


def test_previews_of_texts(tab: Console, panel: Any, lake: Lake) -> None:
    tab.go("/data/s3/lake?prefix=cars/&object=cars.csv")
    grid = tab.page.get_by_role("region", name="First rows")
    expect(grid.get_by_role("columnheader", name="price number")).to_be_visible()
    expect(grid.get_by_role("row")).to_have_count(7)
    tab.page.get_by_role("checkbox", name="The first row names the columns").uncheck()
    expect(grid.get_by_role("columnheader", name="column 3 text")).to_be_visible()
    tab.well("data-preview-csv")

    page = panel("packed.csv.gz")
    expect(page.get_by_role("region", name="First rows").get_by_role("row")).to_have_count(7)
    page = panel("metrics.json")
    expect(page.get_by_label("JSON", exact=True)).to_contain_text('"accuracy": 0.956')
    page = panel("events.jsonl")
    expect(page.get_by_role("region", name="First lines").get_by_role("columnheader", name="kind")).to_be_visible()
    page = panel("train.log")
    expect(page.get_by_label("Text", exact=True)).to_contain_text("epoch 2 loss=0.25")
    page = panel("long.log")
    expect(page.get_by_text("Only the first 262 KB of this 640 KB object were read.")).to_be_visible()


def test_previews_of_what_is_no_text(tab: Console, panel: Any) -> None:
    page = panel("plot.png")
    expect(page.get_by_text("40 \u00d7 30 pixels")).to_be_visible()
    tab.well("data-preview-image")
    page = panel("model.tar.gz")
    expect(page.get_by_text("2 files, 1.21 KB unpacked")).to_be_visible()
    expect(page.get_by_role("region", name="Members of the archive").get_by_text("code/inference.py")).to_be_visible()
    page = panel("some.bin")
    expect(page.get_by_text("No preview of this kind of file")).to_be_visible()
    page.get_by_role("tab", name="Properties").click()
    expect(page.get_by_text("256 B (256 bytes)")).to_be_visible()
    page = panel("nothing")
    expect(page.get_by_text("This object is empty")).to_be_visible()


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_previews_of_parquet(tab: Console, lake: Lake, codec: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table(
        {
            "id": arrow.array(range(300), arrow.int64()),
            "name": [f"car {number}" for number in range(300)],
            "price": [None if number == 1 else number / 4 for number in range(300)],
            "when": arrow.array([number * 1_000_001 for number in range(300)], arrow.timestamp("us", tz="UTC")),
            "tags": [["a", "b"]] * 300,
        }
    )
    written = io.BytesIO()
    parquet.write_table(table, written, compression=codec)
    lake.s3.put_object(Bucket="lake", Key=f"parquet/{codec}.parquet", Body=written.getvalue())
    page = tab.page
    tab.go(f"/data/s3/lake?prefix=parquet/&object={codec}.parquet")
    expect(page.get_by_text(f"300 rows in 1 row group, {codec}")).to_be_visible()
    grid = page.get_by_role("region", name="First rows")
    expect(grid.get_by_role("row")).to_have_count(51)
    expect(grid.get_by_role("row").nth(2)).to_contain_text("car 1null1970-01-01 00:00:01.000001")
    page.get_by_role("tab", name="Schema (5)").click()
    expect(page.get_by_role("region", name="Schema").get_by_text("timestamp (UTC)")).to_be_visible()
    tab.well(f"data-preview-parquet-{codec}")


def test_versions_are_seen_and_brought_back(tab: Console, lake: Lake) -> None:
    lake.s3.create_bucket(Bucket="versioned")
    lake.s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for text in (b"the first", b"the second"):
        lake.s3.put_object(Bucket="versioned", Key="notes.txt", Body=text)
    lake.s3.put_object(Bucket="versioned", Key="gone.txt", Body=b"x")
    lake.s3.delete_object(Bucket="versioned", Key="gone.txt")
    page = tab.page
    tab.go("/data/s3/versioned")
    expect(page.get_by_role("link", name="notes.txt")).to_be_visible()
    page.get_by_text("Show versions and what was deleted").click()
    expect(row(page, "gone.txt", "deleted")).to_be_visible()
    tab.well("data-versions")
    tab.go("/data/s3/versioned?object=notes.txt")
    expect(page.get_by_label("Text", exact=True)).to_have_text("the second")
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("button", name="Restore version").click()
    expect(page.get_by_text("That version is the current one again, as a copy.")).to_be_visible()
    assert lake.s3.get_object(Bucket="versioned", Key="notes.txt")["Body"].read() == b"the first"
    assert tab.complaints == []


def test_an_object_is_shared_by_a_link(tab: Console, panel: Any) -> None:
    page = panel("train.log")
    page.get_by_role("button", name="Share by a link").click()
    link = page.get_by_role("dialog").get_by_label("Link", exact=True)
    expect(link).to_contain_text("X-Amz-Signature=")
    answer = page.request.get(link.inner_text(), headers={"cookie": ""})
    assert answer.body() == b"epoch 1 loss=0.5\nepoch 2 loss=0.25\n"
    tab.well("data-share")


def test_the_catalog_from_the_database_to_a_sample(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/catalog")
    expect(row(page, "lake", "What the tests read")).to_be_visible()
    expect(page.get_by_role("heading", name="Crawlers")).to_be_visible()
    tab.well("data-catalog")
    page.get_by_role("link", name="lake", exact=True).click()
    expect(row(page, "cars", "CSV", "s3://lake/cars/")).to_be_visible()
    tab.well("data-database")
    page.get_by_role("link", name="cars", exact=True).click()
    expect(row(page, "price", "double", "about price")).to_be_visible()
    tab.well("data-table")
    page.get_by_role("tab", name="Sample").click()
    sample = page.get_by_role("region", name="Sample of cars")
    expect(sample.get_by_role("row")).to_have_count(7)
    expect(sample.get_by_role("row").nth(1)).to_contain_text("low")
    tab.well("data-sample")
    page.get_by_role("link", name="Query it").click()
    expect(page.get_by_label("Statement")).to_have_value("SELECT *\nFROM lake.cars\nLIMIT 100")


def test_databases_and_tables_are_made_and_deleted(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/catalog")
    page.get_by_role("button", name="Create database").click()
    page.get_by_role("dialog").get_by_label("Name").fill("short_lived")
    page.get_by_role("dialog").get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("No tables yet")).to_be_visible()
    lake.server.client("glue").create_table(DatabaseName="short_lived", TableInput=_cars())
    tab.go("/data/catalog/short_lived/cars")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("The table short_lived.cars is deleted.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("textbox").fill("short_lived")
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("The database short_lived is deleted.")).to_be_visible()
    expect(page.get_by_role("heading", name="Databases")).to_be_visible()
    assert tab.complaints == []


def test_a_crawler_runs_and_says_how_it_ended(tab: Console, lake: Lake) -> None:
    iam, glue = lake.server.client("iam"), lake.server.client("glue")
    role = iam.create_role(RoleName="crawler", AssumeRolePolicyDocument=TRUST.replace("sagemaker", "glue"))["Role"][
        "Arn"
    ]
    statement = {"Effect": "Allow", "Action": ["s3:*", "glue:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName="crawler", PolicyName="all", PolicyDocument=document)
    glue.create_database(DatabaseInput={"Name": "found"})
    for name, path in (("finds", "s3://lake/cars/"), ("fails", "s3://no-such-bucket/x/")):
        glue.create_crawler(Name=name, Role=role, DatabaseName="found", Targets={"S3Targets": [{"Path": path}]})
    page = tab.page
    tab.go("/data/catalog")
    expect(row(page, "finds", "s3://lake/cars/")).to_contain_text("never")
    for name, ended in (("finds", "Succeeded"), ("fails", "Failed")):
        page.get_by_role("button", name=f"Run {name}").click()
        expect(row(page, name, "just now").or_(row(page, name, "ago"))).to_contain_text(ended)
    row(page, "fails").get_by_role("button", name="Failed").click()
    expect(page.get_by_text("no-such-bucket").last).to_be_visible()
    tab.well("data-crawlers")
    tab.go("/data/catalog/found")
    expect(row(page, "cars", "CSV")).to_be_visible()
    lake.server.client("glue").delete_crawler(Name="finds")
    lake.server.client("glue").delete_crawler(Name="fails")


def test_a_query_is_answered_in_rows_and_a_chart(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/sql?database=lake")
    expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    box = page.get_by_label("Statement")
    box.fill("select buying, sum(price) as total from  group by 1 order by 1")
    box.evaluate("area => area.setSelectionRange(40, 40)")
    page.get_by_role("button", name="cars", exact=True).click()
    page.get_by_role("button", name="Insert name cars").click()
    expect(box).to_have_value("select buying, sum(price) as total from cars group by 1 order by 1")
    box.press("Control+Enter")
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("row").nth(1)).to_contain_text("high13.5")
    expect(page.get_by_text("Succeeded")).to_be_visible()
    tab.well("data-sql")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download CSV").click()
    assert Path(coming.value.path()).read_text() == '"buying","total"\n"high","13.5"\n"low","13.5"\n'
    page.get_by_role("tab", name="Chart").click()
    expect(
        page.get_by_role("application", name="total by buying").or_(page.get_by_label("total by buying")).first
    ).to_be_visible()
    expect(page.get_by_role("radio", name="Bars").or_(page.get_by_role("button", name="Bars")).first).to_be_visible()
    tab.well("data-sql-chart")


def test_many_rows_come_page_by_page(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/sql?database=lake&sql=select+n,+n*n+as+square+from+unnest(sequence(1,250))+as+t(n)+order+by+1")
    page.get_by_role("button", name="Run", exact=True).click()
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("row")).to_have_count(101)
    page.get_by_role("button", name="Next page").click()
    expect(results.get_by_role("row").nth(1)).to_contain_text("10110110201")
    page.get_by_role("button", name="Next page").click()
    expect(results.get_by_role("row")).to_have_count(51)


def test_an_error_is_said_with_its_place_and_kept_in_the_history(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/sql?database=lake")
    page.get_by_label("Statement").fill("select buying,\n  nothing\nfrom cars")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("The query failed")).to_be_visible()
    expect(page.get_by_text("COLUMN_NOT_FOUND: line 2:3")).to_be_visible()
    tab.well("data-sql-error")
    page.get_by_role("button", name="Go there").click()
    chosen = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert page.get_by_label("Statement").evaluate(chosen) == "nothing"
    page.get_by_role("tab", name="History").click()
    failed = row(page, "select buying, nothing from cars")
    expect(failed).to_contain_text("Failed")
    tab.well("data-sql-history")
    failed.get_by_role("button", name="To the box").click()
    expect(page.get_by_label("Statement")).to_have_value("select buying,\n  nothing\nfrom cars")


def test_queries_are_saved_opened_and_deleted(tab: Console, lake: Lake) -> None:
    page = tab.page
    tab.go("/data/sql?database=lake")
    page.get_by_label("Statement").fill("select count(*) from cars")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_label("Name").fill("How many cars")
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("How many cars is saved.")).to_be_visible()
    page.get_by_label("Statement").fill("")
    page.get_by_role("tab", name="Saved").click()
    page.get_by_role("button", name="Open How many cars").click()
    expect(page.get_by_label("Statement")).to_have_value("select count(*) from cars")
    page.get_by_role("tab", name="Saved").click()
    tab.well("data-sql-saved")
    page.get_by_role("button", name="Delete How many cars").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Nothing saved yet")).to_be_visible()
    assert lake.athena.list_named_queries().get("NamedQueryIds", []) == []
    assert tab.complaints == []
