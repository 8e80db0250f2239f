"""Crawlers, with boto3: what they make of a lake."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
