"""What each host of a job finds of its inputs: which objects, in which order, and why an input is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.engines.runners.base import Work
from clary.kernel.resource import Doc
from clary.services.sagemaker import cluster, images, inputs
from clary.services.sagemaker.inputs import parts
from clary.services.sagemaker.training.work import works_of
from tests.sagemaker_house import REGION, ROOT, XGBOOST, House, channel, training_request


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    for name in "abcde":
        made.objects.write("lake", f"data/train/{name}.csv", name.encode())
    yield made
    made.close()


async def works(house: House, count: int, **changed: Any) -> tuple[Work, ...]:
    """The work of each host of a training job."""
    await house.call("CreateTrainingJob", **training_request(**changed))
    job, image = house.get("training-job", "job"), images.lookup(XGBOOST)
    assert image is not None
    return await works_of(house.engines, job, image, 60.0, house.scratch, cluster.hosts(job.uid, count))


def names(work: Work) -> list[str]:
    return [name for tree in work.trees for name, _ in tree.files]


def sharded(**more: Any) -> Doc:
    made = channel("train", **more)
    made["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    return made


async def test_every_host_gets_everything_unless_asked_otherwise(house: House) -> None:
    first, second = await works(house, 2)
    assert names(first) == names(second) == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]
    assert (first.hostname, second.hostname) == ("algo-1", "algo-2")
    assert first.hosts == second.hosts
    told = json.loads(second.files["/opt/ml/input/config/resourceconfig.json"])
    assert (told["current_host"], told["hosts"]) == ("algo-2", ["algo-1", "algo-2"])
    assert told["instance_groups"][0]["hosts"] == ["algo-1", "algo-2"]
    assert (second.env["SM_CURRENT_HOST"], json.loads(second.env["SM_HOSTS"])) == ("algo-2", ["algo-1", "algo-2"])
    asked = json.loads(first.files["/opt/ml/input/config/trainingjobconfig.json"])
    assert asked["TrainingJobName"] == "job"


async def test_sharded_by_key_each_object_goes_to_one_host(house: House) -> None:
    found = await works(house, 2, InputDataConfig=[sharded()])
    assert [names(one) for one in found] == [["a.csv", "c.csv", "e.csv"], ["b.csv", "d.csv"]]
    told = json.loads(found[0].files["/opt/ml/input/config/inputdataconfig.json"])
    assert told["train"]["S3DistributionType"] == "ShardedByS3Key"


async def test_more_hosts_than_objects_leave_some_with_an_empty_directory(house: House) -> None:
    (tree,) = {tree.target for work in await works(house, 7, InputDataConfig=[sharded()]) for tree in work.trees}
    assert tree == "/opt/ml/input/data/train"
    assert parts.part("abcde", 6, 7) == ""


async def test_shards_follow_the_shuffle_when_one_is_asked(house: House) -> None:
    found = await works(house, 2, InputDataConfig=[sharded(ShuffleConfig={"Seed": 3})])
    assert sorted(names(found[0]) + names(found[1])) == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]
    assert names(found[0]) != ["a.csv", "c.csv", "e.csv"]


def test_a_shuffle_is_the_same_again_and_another_in_every_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        items = list(range(50))
        parts.shuffled(items, seed, epoch)
        return items

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    assert all(sorted(order(1, epoch)) == list(range(50)) for epoch in range(3))


async def test_what_is_linked_is_the_object_itself(house: House) -> None:
    (work,) = await works(house, 1)
    (tree,) = work.trees
    stored = [house.objects.local("lake", f"data/train/{name}") for name, _ in tree.files]
    for one, (_, path) in zip(stored, tree.files, strict=True):
        assert one is not None and one.samefile(path)
    assert not house.scratch.exists()


async def refused(house: House, **source: Any) -> str:
    ctx = house.inside(ROOT, REGION)
    with pytest.raises(inputs.InputError) as told:
        await inputs.tree(ctx, house.engines.objects, house.scratch, "/opt/ml/input/data/x", source)
    return str(told.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"nothing", "s3://lake/list.json is no manifest: it must be a JSON list that starts with"),
        (b'["a.csv"]', "it must be a JSON list that starts with"),
        (b'[{"prefix": "s3://lake/data/train/"}, 7]', "the prefix and everything after it must be strings"),
        (b'[{"prefix": "s3://lake/data/train/"}, "z.csv"]', "s3://lake/data/train/z.csv is not there"),
        (b'[{"prefix": "s3://lake/data/train/"}]', "No S3 objects found under S3 URL"),
        (b'[{"prefix": "s3:///"}, "a.csv"]', "names no bucket"),
        (b'[{"prefix": "s3://lake/"}, "data/../../etc/passwd"]', "cannot be a file name inside the job"),
        (b'[{"prefix": "s3://lake/data/train/"}, "a.csv", "a.csv"]', "Two objects under"),
    ],
)
async def test_a_broken_manifest_is_told_in_words(house: House, body: bytes, words: str) -> None:
    house.objects.write("lake", "list.json", body)
    assert words in await refused(house, S3Uri="s3://lake/list.json", S3DataType="ManifestFile")


async def test_a_manifest_that_is_not_there_and_a_bucket_that_is_not_there(house: House) -> None:
    said = await refused(house, S3Uri="s3://lake/none.json", S3DataType="ManifestFile")
    assert said == "s3://lake/none.json could not be read: The specified key does not exist."
    said = await refused(house, S3Uri="s3://none/data")
    assert said == "s3://none/data could not be read: The specified bucket does not exist"


async def test_a_prefix_that_matches_nothing_is_told(house: House) -> None:
    said = await refused(house, S3Uri="s3://lake/none/")
    assert said.startswith('No S3 objects found under S3 URL "s3://lake/none/" given in input data source. Please')


def piped(**more: Any) -> Doc:
    return channel("train", InputMode="Pipe", **more)


def augmented(*names: str, **more: Any) -> Doc:
    made = piped(**more)
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://lake/lines.jsonl", "AttributeNames": list(names)}
    made["DataSource"]["S3DataSource"] = source
    return made


def fed(work: Work) -> tuple[Doc, list[list[Doc]]]:
    """What the feeder of a work with one pipe is told: of the channel, and its items."""
    ((*_, told),) = work.companions
    said = json.loads(Path(told).read_text())
    return said, [json.loads(line) for line in Path(said["items"]).read_text().splitlines()]


async def test_a_channel_in_pipe_mode_has_a_pipe_and_no_files(house: House) -> None:
    (work,) = await works(
        house,
        1,
        InputDataConfig=[
            piped(CompressionType="Gzip", RecordWrapperType="RecordIO", ShuffleConfig={"Seed": 5}),
            channel("other", "data/train/"),
        ],
    )
    assert work.pipes == ("/opt/ml/input/data/train_0",)
    assert [tree.target for tree in work.trees] == ["/opt/ml/input/data/other"]
    said, items = fed(work)
    how = {name: said[name] for name in ("pipe", "gzip", "recordio", "seed", "host", "hosts")}
    wanted = {"pipe": "/opt/ml/input/data/train", "gzip": True, "recordio": True, "seed": 5, "host": 0, "hosts": 1}
    assert how == wanted
    assert [part["of"] for (part,) in items] == [f"s3://lake/data/train/{name}.csv" for name in "abcde"]
    held = [Path(said["folder"]) / part["file"] for (part,) in items]
    stored = house.objects.local("lake", "data/train/a.csv")
    assert stored is not None and stored.samefile(held[0])
    told = json.loads(work.files["/opt/ml/input/config/inputdataconfig.json"])
    assert told["train"]["TrainingInputMode"] == "Pipe"
    assert told["train"]["RecordWrapperType"] == "RecordIO"
    assert json.loads(work.env["SM_CHANNELS"]) == ["other", "train"]


async def test_what_is_streamed_is_the_object_as_it_was(house: House) -> None:
    (work,) = await works(house, 1, InputDataConfig=[piped()])
    (house.scratch.parent / "objects/lake/data/train/a.csv").unlink()
    house.objects.write("lake", "data/train/a.csv", b"another")
    said, items = fed(work)
    assert (Path(said["folder"]) / items[0][0]["file"]).read_bytes() == b"a"


async def test_pipes_of_several_hosts_share_what_is_sharded(house: House) -> None:
    source = {"S3DataDistributionType": "ShardedByS3Key", **channel("train")["DataSource"]["S3DataSource"]}
    found = await works(house, 2, InputDataConfig=[{**piped(), "DataSource": {"S3DataSource": source}}])
    assert [(said["host"], said["hosts"]) for said, _ in map(fed, found)] == [(0, 2), (1, 2)]
    found = await works_again(house, 2)
    assert [(said["host"], said["hosts"]) for said, _ in map(fed, found)] == [(0, 1), (0, 1)]


async def works_again(house: House, count: int) -> tuple[Work, ...]:
    job, image = house.get("training-job", "job"), images.lookup(XGBOOST)
    assert image is not None
    job.spec["InputDataConfig"] = [piped()]
    return await works_of(house.engines, job, image, 60.0, house.scratch, cluster.hosts(job.uid, count))


async def test_an_augmented_manifest_streams_the_attributes_in_the_order_asked(house: House) -> None:
    lines = [
        {"source-ref": "s3://lake/data/train/a.csv", "class": 1, "note": "first"},
        {"class": {"x": [1]}, "note": "", "source-ref": "s3://lake/data/train/b.csv", "more": None},
    ]
    house.objects.write("lake", "lines.jsonl", "\n\n".join(map(json.dumps, lines)).encode())
    names_asked = ("source-ref", "class", "note")
    (work,) = await works(house, 1, InputDataConfig=[augmented(*names_asked, RecordWrapperType="RecordIO")])
    said, items = fed(work)
    first, second = items
    assert [part.get("data") for part in first] == [None, "1", "first"]
    assert [part.get("data") for part in second] == [None, '{"x": [1]}', ""]
    assert (Path(said["folder"]) / second[0]["file"]).read_bytes() == b"b"
    assert second[1]["of"] == "line 3 of s3://lake/lines.jsonl"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The augmented manifest s3://lake/lines.jsonl is empty"),
        (b"[1, 2]\n", "s3://lake/lines.jsonl is no augmented manifest: line 1 is no JSON object"),
        (b'{"a-ref": "s3://lake/data/train/a.csv"}\n{"a-ref"', "line 2 is no JSON object"),
        (b'{"b": 1}\n', "line 1 of s3://lake/lines.jsonl has no attribute 'a-ref'"),
        (b'{"a-ref": 7}\n', "the attribute 'a-ref' must be the URI of an object"),
        (b'{"a-ref": "s3://lake/none.csv"}\n', "s3://lake/none.csv is not there"),
    ],
)
async def test_a_broken_augmented_manifest_is_told_in_words(house: House, body: bytes, words: str) -> None:
    house.objects.write("lake", "lines.jsonl", body)
    with pytest.raises(inputs.InputError) as told:
        await works(house, 1, InputDataConfig=[augmented("a-ref")])
    assert words in str(told.value)


async def test_a_job_whose_feeder_failed_says_why(house: House) -> None:
    await house.call("CreateTrainingJob", **training_request(InputDataConfig=[piped()]))
    await house.run()
    uid = house.get("training-job", "job").uid
    house.runner.end(uid, 137, broken="ClientError: s3://lake/data/train/a.csv cannot be read as CompressionType Gzip")
    await house.run(1.0)
    said = await house.call("DescribeTrainingJob", TrainingJobName="job")
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"] == "ClientError: s3://lake/data/train/a.csv cannot be read as CompressionType Gzip"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("a", "a/b.csv"), "Under s3://lake/x, a is an object and the folder of a/b.csv: it cannot be both on disk"),
        (("/a", "a"), "Two objects under s3://lake/x would be the file 'a' inside the job"),
        (("n" * 256,), "it is too long"),
        (("nul\0",), "cannot be a file name inside the job"),
    ],
)
async def test_what_no_directory_can_hold_is_refused_by_name(
    house: House, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], words: str
) -> None:
    async def lists(operation: str, req: Doc) -> Doc:
        return {"Contents": [{"Key": f"x/{key}"} for key in keys]}

    monkeypatch.setattr(house.objects, "call", lists)
    assert words in await refused(house, S3Uri="s3://lake/x")


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("data/train/", ["a.csv", "sub/f.csv"]),
        ("data/train", ["a.csv", "sub/f.csv"]),
        ("data/tr", ["train/a.csv", "train/sub/f.csv"]),
        ("data/train/a.csv", ["a.csv"]),
    ],
)
async def test_a_prefix_is_a_string(house: House, prefix: str, found: list[str]) -> None:
    for name in "bcde":
        (house.scratch.parent / f"objects/lake/data/train/{name}.csv").unlink()
    house.objects.write("lake", "data/train/sub/f.csv", b"f")
    (work,) = await works(house, 1, InputDataConfig=[channel("train", prefix)])
    assert names(work) == found


async def test_a_manifest_names_its_objects(house: House) -> None:
    house.objects.write("lake", "list.json", b'[{"prefix": "s3://lake/data/train/"}, "c.csv", "a.csv"]')
    by_manifest = channel("train", "list.json")
    by_manifest["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    (work,) = await works(house, 1, InputDataConfig=[by_manifest])
    assert names(work) == ["c.csv", "a.csv"]


def lined(mode: str, **source: Any) -> Doc:
    made = channel("a", InputMode=mode)
    made["DataSource"]["S3DataSource"] |= {"S3DataType": "AugmentedManifestFile", **source}
    return made


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ([channel("a", CompressionType="Gzip")], "CompressionType Gzip needs the input mode Pipe"),
        ([channel("a", RecordWrapperType="RecordIO", InputMode="FastFile")], "leave it out in the mode FastFile"),
        ([lined("File", AttributeNames=["a"])], "needs the input mode Pipe, not File"),
        ([lined("Pipe")], "AugmentedManifestFile needs the member AttributeNames"),
        ([channel("a", InputMode="Pipe"), channel("a_0")], "called as a pipe of the channel 'a' is"),
    ],
)
async def test_channels_that_cannot_be_are_refused_at_once(house: House, channels: list[Doc], words: str) -> None:
    with pytest.raises(ValidationException, match=words):
        await house.call("CreateTrainingJob", **training_request(InputDataConfig=channels))


async def test_what_is_not_served_of_an_augmented_manifest_is_named(house: House) -> None:
    asked = {**lined("Pipe", AttributeNames=["a"]), "CompressionType": "Gzip"}
    with pytest.raises(NotImplementedHere, match="CompressionType with AugmentedManifestFile"):
        await house.call("CreateTrainingJob", **training_request(InputDataConfig=[asked]))
