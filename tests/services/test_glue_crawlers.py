"""Crawlers, with boto3: what they make of a lake."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.services.glue.crawlers import looking, writing
from tests.crawlers_house import Lake, crawlers_house

CSV = "id,price,name\n1,2.5,a\n2,3,b\n"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with crawlers_house(tmp_path) as made:
        yield made


def test_a_folder_of_csv_becomes_a_table(lake: Lake) -> None:
    lake.put({"data/a.csv": CSV, "data/b.csv": CSV})
    lake.crawler(TablePrefix="raw_")
    said = lake.crawl()
    assert said["LastCrawl"]["Status"] == "SUCCEEDED", lake.lines()
    [table] = lake.tables().values()
    assert table["Name"] == "raw_data"
    descriptor = table["StorageDescriptor"]
    assert lake.columns("raw_data") == {"id": "bigint", "price": "double", "name": "string"}
    assert descriptor["Location"] == "s3://lake/data/"
    assert descriptor["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    }
    assert table["Parameters"] == descriptor["Parameters"]
    expected = {
        "classification": "csv",
        "compressionType": "none",
        "delimiter": ",",
        "objectCount": "2",
        "recordCount": "4",
        "sizeKey": str(2 * len(CSV)),
        "averageRecordSize": "14",
        "skip.header.line.count": "1",
        "typeOfData": "file",
        "UPDATED_BY_CRAWLER": "c",
        "areColumnsQuoted": "false",
        "columnsOrdered": "true",
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
    }
    assert table["Parameters"] == expected
    assert lake.metrics() == (1, 0, 0)
    [crawl] = lake.glue.list_crawls(CrawlerName="c")["Crawls"]
    assert crawl["State"] == "COMPLETED"
    assert lake.summary() == {"TABLE": {"ADD": {"Count": 1, "Details": {"names": ["raw_data"]}}}}
    assert said["LastCrawl"]["MessagePrefix"] == crawl["CrawlId"]
    lines = lake.lines()
    assert all(line.startswith(f"[{crawl['CrawlId']}] ") for line in lines)
    assert "Running Start Crawl for Crawler c" in lines[0] and "state READY" in lines[-1]


def test_folders_of_different_schemas_are_tables_and_key_folders_partitions(lake: Lake) -> None:
    lake.put({f"data/sales/year={year}/month={month}/a.csv": CSV for year in (2019, 2020) for month in (1, 2, 3)})
    lake.put({"data/people/p.json": '{"Name": "x", "age": 3}\n', "data/people/_SUCCESS": "", "data/empty/": ""})
    lake.put({f"data/hourly/2024/01/{day:02}/{hour:02}/x.json": '{"t": 1.5}' for day in (1, 2) for hour in (0, 1)})
    lake.crawler()
    tables = lake.crawled()
    assert sorted(tables) == ["hourly", "people", "sales"]
    assert [one["Name"] for one in tables["sales"]["PartitionKeys"]] == ["year", "month"]
    assert {one["Type"] for one in tables["sales"]["PartitionKeys"]} == {"string"}
    parts = lake.partitions("sales")
    assert sorted(parts) == [(year, month) for year in ("2019", "2020") for month in "123"]
    one = parts["2019", "2"]
    assert one["StorageDescriptor"]["Location"] == "s3://lake/data/sales/year=2019/month=2/"
    assert one["Parameters"]["recordCount"] == "2"
    assert one["StorageDescriptor"]["SerdeInfo"] == tables["sales"]["StorageDescriptor"]["SerdeInfo"]
    assert tables["sales"]["Parameters"]["objectCount"] == "6"
    keys = [one["Name"] for one in tables["hourly"]["PartitionKeys"]]
    assert keys == ["partition_0", "partition_1", "partition_2", "partition_3"]
    assert ("2024", "01", "02", "01") in lake.partitions("hourly")
    assert lake.columns("people") == {"name": "string", "age": "int"}
    serde = tables["people"]["StorageDescriptor"]["SerdeInfo"]
    assert serde == {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {"paths": "age,name"}}
    assert lake.metrics() == (3, 0, 0)
    assert {what: said["ADD"]["Count"] for what, said in lake.summary().items()} == {"TABLE": 3, "PARTITION": 10}


def test_one_lone_date_folder_is_a_partition_and_another_name_is_not(lake: Lake) -> None:
    lake.put({"data/logs/2024/05/a.csv": CSV, "data/only/b.json": '{"q": 1}'})
    lake.crawler()
    assert sorted(lake.crawled()) == ["logs", "only"]
    assert list(lake.partitions("logs")) == [("2024", "05")]


def test_files_of_one_folder_that_differ_are_tables_of_their_own(lake: Lake) -> None:
    lake.put({"data/movies.csv": "movieId,title\n1,x\n2,y\n", "data/ratings.csv": "userId,rating\n1,2.5\n2,3.5\n"})
    lake.put({"data/Ratings.json": '{"a": 1}'})
    lake.crawler()
    tables = lake.crawled()
    assert sorted(tables) == ["movies_csv", "ratings_csv", "ratings_json"]
    assert tables["ratings_csv"]["StorageDescriptor"]["Location"] == "s3://lake/data/ratings.csv"


def test_types_that_conflict_are_resolved(lake: Lake) -> None:
    lake.put({"data/t/a.csv": "id,v,w\n1,1,2\n2,2,3\n", "data/t/b.csv": "id,v,w\n1,1.5,x\n2,2.5,y\n"})
    lake.put({"data/j/a.json": '{"id": 1, "at": {"x": 1}}', "data/j/b.json": '{"id": "n", "at": {"y": true}}'})
    lake.crawler()
    lake.crawled()
    assert lake.columns("t") == {"id": "bigint", "v": "double", "w": "string"}
    assert lake.columns("j") == {"id": "string", "at": "struct<x:int,y:boolean>"}


def test_unreadable_files_among_good_ones_are_counted_and_named(lake: Lake) -> None:
    lake.put({"data/a.csv": CSV, "data/b.csv": CSV, "data/empty.csv": "", "data/words.txt": "hello there\n"})
    lake.put({"data/broken.csv.gz": gzip.compress(CSV.encode())[:-6], "data/broken.json": '{"a": 1}\n{"a"\n'})
    lake.crawler()
    tables = lake.crawled()
    assert tables["data"]["Parameters"]["objectCount"] == "2"
    lines = "\n".join(lake.lines())
    assert "s3://lake/data/broken.csv.gz is unreadable: it begins as gzip, but ends in the middle" in lines
    assert "s3://lake/data/broken.json is unreadable: it is JSON, but line 2" in lines
    assert "Looked at 6 files: 1 tables; 1 empty, 1 of no known format, 2 unreadable" in lines


def test_a_second_crawl_updates_what_changed_and_only_that(lake: Lake) -> None:
    lake.put({"data/sales/year=2019/a.csv": CSV, "data/sales/year=2020/a.csv": CSV, "data/gone/x.json": '{"a": 1}'})
    lake.crawler()
    lake.crawled()
    lake.crawled()
    assert lake.metrics() == (0, 0, 0), "nothing has changed"
    assert lake.summary() == {}
    lake.put({"data/sales/year=2021/a.csv": "id,price,name,more\n1,2.5,a,7\n2,3,b,8\n"})
    lake.s3.delete_object(Bucket="lake", Key="data/gone/x.json")
    lake.s3.delete_object(Bucket="lake", Key="data/sales/year=2019/a.csv")
    tables = lake.crawled()
    assert lake.columns("sales")["more"] == "bigint"
    assert sorted(lake.partitions("sales")) == [("2019",), ("2020",), ("2021",)]
    assert lake.partitions("sales")[("2019",)]["Parameters"]["DEPRECATED_BY_CRAWLER"] == "c"
    assert tables["gone"]["Parameters"]["DEPRECATED_BY_CRAWLER"] == "c"
    assert lake.metrics() == (0, 2, 0)
    lake.put({"data/gone/x.json": '{"a": 1}', "data/sales/year=2019/a.csv": CSV})
    tables = lake.crawled()
    assert "DEPRECATED_BY_CRAWLER" not in tables["gone"]["Parameters"]
    assert "DEPRECATED_BY_CRAWLER" not in lake.partitions("sales")[("2019",)]["Parameters"]


def test_what_is_gone_is_deleted_if_so_asked(lake: Lake) -> None:
    lake.put({"data/a/year=1/x.csv": CSV, "data/a/year=2/x.csv": CSV, "data/b/y.json": '{"a": 1}', "else/z.csv": CSV})
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    lake.crawler(SchemaChangePolicy=policy)
    lake.crawler("other", "s3://lake/else/")
    lake.crawled("other")
    assert sorted(lake.crawled()) == ["a", "b", "else"]
    lake.s3.delete_object(Bucket="lake", Key="data/a/year=1/x.csv")
    lake.s3.delete_object(Bucket="lake", Key="data/b/y.json")
    assert sorted(lake.crawled()) == ["a", "else"]
    assert list(lake.partitions("a")) == [("2",)]
    assert lake.metrics() == (0, 1, 1)
    assert lake.summary()["PARTITION"]["DELETE"] == {"Count": 1, "Details": {"names": ["1"]}}


def test_log_changes_nothing_that_is_there_but_adds_partitions(lake: Lake) -> None:
    lake.put({"data/a/year=1/x.csv": CSV, "data/b/y.json": '{"a": 1}'})
    lake.crawler(SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    before = lake.crawled()
    lake.put({"data/a/year=2/x.csv": "id,price,name,more\n1,2,a,7\n2,3,b,8\n"})
    lake.s3.delete_object(Bucket="lake", Key="data/b/y.json")
    after = lake.crawled()
    assert after == before
    assert sorted(lake.partitions("a")) == [("1",), ("2",)]
    assert lake.metrics() == (0, 0, 0)
    lines = "\n".join(lake.lines())
    assert "Table a in database db differs from what was found; UpdateBehavior is LOG" in lines
    assert "Nothing was found of table b in database db; DeleteBehavior is LOG" in lines


def test_merge_new_columns_and_inherit_from_table(lake: Lake) -> None:
    lake.put({"data/a/year=1/x.json": '{"id": 1, "v": 1, "w": 1}'})
    output = {
        "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
        "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
    }
    lake.crawler(path="s3://lake/data/a", Configuration=json.dumps({"Version": 1.0, "CrawlerOutput": output}))
    lake.crawled()
    table = lake.glue.get_table(DatabaseName="db", Name="a")["Table"]
    table["StorageDescriptor"]["Columns"][0]["Comment"] = "by hand"
    kept = {name: table[name] for name in ("Name", "StorageDescriptor", "Parameters", "PartitionKeys", "TableType")}
    kept["Parameters"]["mine"] = "1"
    lake.glue.update_table(DatabaseName="db", TableInput=kept)
    lake.put({"data/a/year=2/x.json": '{"id": "x", "v": 1, "w": 1, "new": true}'})
    [table] = lake.crawled().values()
    columns = table["StorageDescriptor"]["Columns"]
    assert columns[0] == {"Name": "id", "Type": "int", "Comment": "by hand"}
    assert columns[-1] == {"Name": "new", "Type": "boolean"}
    assert table["Parameters"]["mine"] == "1"
    assert lake.partitions("a")[("2",)]["StorageDescriptor"]["Columns"] == columns


def test_only_new_folders_are_looked_at(lake: Lake) -> None:
    lake.put({"data/a/year=1/x.csv": CSV})
    recrawl = {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    policy = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    lake.crawler(path="s3://lake/data/a/", RecrawlPolicy=recrawl, SchemaChangePolicy=policy)
    lake.crawled()
    # What is in a folder that is known is not looked at again, whatever it has become.
    lake.put({"data/a/year=1/x.csv": "no longer anything\n", "data/a/year=2/x.csv": CSV})
    lake.crawled()
    assert sorted(lake.partitions("a")) == [("1",), ("2",)]
    assert "is unknown" not in "\n".join(lake.lines())
    with pytest.raises(lake.glue.exceptions.InvalidInputException, match="LOG"):
        lake.crawler("d", RecrawlPolicy=recrawl)


@pytest.mark.parametrize(
    ("globs", "left"),
    [
        (["**.json"], {"a", "b"}),
        (["b/**"], {"a", "c"}),
        (["{b,c}/*"], {"a"}),
        (["?/x[0-9].csv"], {"c"}),
        (["*"], {"a", "b", "c"}),
        (["[!a]/x2.csv", "a/*"], {"c"}),
    ],
)
def test_exclusions_are_globs(lake: Lake, globs: list[str], left: set[str]) -> None:
    other = "k,v\n1,2\n3,4\n"
    lake.put({"data/a/x1.csv": CSV, "data/b/x2.csv": other, "data/c/x.json": '{"a": 1}'})
    lake.crawler(target={"Exclusions": globs})
    assert {name.partition("_")[0] for name in lake.crawled()} == left


def test_a_sample_of_each_folder_is_looked_into_and_all_is_counted(lake: Lake) -> None:
    lake.put({f"data/a/{number}.csv": CSV for number in range(5)} | {"data/a/9.csv": "cannot be known\n"})
    lake.crawler(target={"SampleSize": 2})
    tables = lake.crawled()
    [table] = tables.values()
    assert (table["Parameters"]["objectCount"], table["Parameters"]["recordCount"]) == ("6", "11")


def test_tables_of_one_name_are_told_apart(lake: Lake) -> None:
    lake.put({"data/x/Items/a.csv": CSV, "data/y/items/b.json": '{"a": 1}', "data/z/items/c.json": '{"q": 1}'})
    lake.crawler()
    names = sorted(lake.crawled())
    assert names[0] == "items" and all(len(name) == len("items_") + 32 for name in names[1:]) and len(names) == 3
    assert sorted(lake.crawled()) == names
    assert lake.metrics() == (0, 0, 0)


def test_combining_and_levels(lake: Lake) -> None:
    lake.put({"data/p/a/x.json": '{"a": 1}', "data/p/b/y.json": '{"b": 1}', "data/q/a/z.json": '{"c": 1}'})
    grouping = {"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}
    lake.crawler(Configuration=json.dumps(grouping))
    [table] = lake.crawled().values()
    assert lake.columns("data") == {"a": "int", "b": "int", "c": "int"}
    assert [one["Name"] for one in table["PartitionKeys"]] == ["partition_0", "partition_1"]
    lake.glue.delete_table(DatabaseName="db", Name="data")
    grouping["Grouping"] = {"TableLevelConfiguration": 3}
    lake.crawler("d", Configuration=json.dumps(grouping))
    assert sorted(lake.crawled("d")) == ["p", "q"]
    threshold = {"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 2}}}
    lake.crawler("e", Configuration=json.dumps(threshold))
    said = lake.crawl("e")["LastCrawl"]
    assert (said["Status"], "threshold value provided: 2" in said["ErrorMessage"]) == ("FAILED", True)


def test_a_table_of_the_catalog_is_crawled_in_place(lake: Lake) -> None:
    lake.put({"data/a/year=1/x.csv": CSV})
    lake.crawler()
    lake.crawled()
    lake.put({"data/a/year=2/x.csv": "id,price,name,more\n1,2,a,7\n2,3,b,8\n"})
    targets = {"CatalogTargets": [{"DatabaseName": "db", "Tables": list(lake.tables())}]}
    policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}
    lake.glue.create_crawler(Name="t", Role=lake.role, Targets=targets, SchemaChangePolicy=policy)
    [name] = lake.crawled("t")
    assert lake.metrics("t") == (0, 1, 0)
    assert "more" in lake.columns(name)
    assert sorted(lake.partitions(name)) == [("1",), ("2",)]
    lake.glue.delete_table(DatabaseName="db", Name=name)
    said = lake.crawl("t")["LastCrawl"]
    assert "is not there" in said["ErrorMessage"]


def test_a_column_that_is_also_a_partition_key(lake: Lake) -> None:
    lake.put({f"data/j/id={number}/x.json": '{"id": 1, "v": 2}' for number in (1, 2)})
    lake.put({f"data/c/id={number}/x.csv": CSV for number in (1, 2)})
    lake.crawler()
    tables = lake.crawled()
    assert lake.columns("j") == {"v": "int"}
    assert [one["Name"] for one in tables["c"]["PartitionKeys"]] == ["partition_id"]


def test_folders_that_become_partitions_later(lake: Lake) -> None:
    lake.put({"data/a/x.csv": CSV})
    lake.crawler(path="s3://lake/data/a")
    lake.crawled()
    lake.s3.delete_object(Bucket="lake", Key="data/a/x.csv")
    lake.put({f"data/a/day={day}/x.csv": CSV for day in (1, 2)})
    lake.crawled()
    assert sorted(lake.partitions("a")) == [("1",), ("2",)]
    lake.put({f"data/a/day={day}/hour=1/x.csv": CSV for day in (1, 2)})
    for day in (1, 2):
        lake.s3.delete_object(Bucket="lake", Key=f"data/a/day={day}/x.csv")
    [table] = lake.crawled().values()
    assert [one["Name"] for one in table["PartitionKeys"]] == ["day", "hour"]
    assert sorted(lake.partitions("a")) == [("1", "1"), ("2", "1")]
    assert lake.metrics() == (0, 1, 0)


def test_one_object_is_a_target(lake: Lake) -> None:
    lake.put({"data/a.csv": CSV, "data/a.csv.bak": CSV})
    lake.crawler(path="s3://lake/data/a.csv")
    [table] = lake.crawled().values()
    assert (table["Name"], table["StorageDescriptor"]["Location"]) == ("a_csv", "s3://lake/data/a.csv")


def test_more_than_a_page_of_objects_and_of_partitions(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "OBJECTS", 4)
    monkeypatch.setattr(writing, "CHUNK", 3)
    lake.put({f"data/a/n={number:02}/x.csv": CSV for number in range(10)} | {"data/b/z.json": '{"a": 1}'})
    lake.crawler()
    tables = lake.crawled()
    assert {name: one["Parameters"]["objectCount"] for name, one in tables.items()} == {"a": "10", "b": "1"}
    assert len(lake.partitions("a")) == 10
    assert lake.summary()["PARTITION"]["ADD"]["Count"] == 10
    lake.crawled()
    assert lake.summary() == {}
