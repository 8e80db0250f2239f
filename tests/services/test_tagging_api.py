"""The tagging API over every service that has tags: boto3 in process, real stores beneath."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import ResourcePolicies
from clary.aws.credentials import Keys, Principal
from clary.aws.tagging import Taggables
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel import ids
from clary.kernel.resource import Resource
from clary.kernel.telemetry import LogStore
from clary.services import iam, logs, resourcegroupstaggingapi, s3, sagemaker
from clary.services.sagemaker.taggable import KINDS
from clary.world import TAGGABLES
from tests.inprocess import ACCOUNT, REGION, InProcess, serving

SERVICES = [iam.service, logs.service, resourcegroupstaggingapi.service, s3.service, sagemaker.service]
TRUST = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'
JOB = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/fit"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
BUCKET = "arn:aws:s3:::lake"
ALL = [BUCKET, GROUP, JOB, ROLE]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    with serving(tmp_path, SERVICES, ports={BucketStore: objects, Taggables: TAGGABLES}) as made:
        written = made.thread.call(SegmentLogs, tmp_path / "logs", made.clock)
        made.ports[LogStore] = written
        made.ports[ResourcePolicies] = s3.policy.BucketPolicies(made.raw_store, ACCOUNT)
        made.ports[s3.happenings.Happenings] = s3.happenings.Happenings(made.raw_store, objects, made.clock)
        made.client("s3").create_bucket(Bucket="lake")
        made.client("logs").create_log_group(logGroupName="/app")
        made.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
        _job(made, "fit")
        yield made
        made.thread.call(written.close)
    objects.close()


def _job(house: InProcess, name: str, kind: str = "training-job", **tags: str) -> str:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"
    spec = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    house.store.create(Resource(kind, name, ACCOUNT, REGION, ids.new(), arn=arn, phase="Completed", spec=spec))
    return arn


@pytest.fixture
def api(house: InProcess) -> Any:
    return house.client("resourcegroupstaggingapi")


def _found(api: Any, **filters: Any) -> dict[str, dict[str, str]]:
    pages = api.get_paginator("get_resources").paginate(**filters)
    return {
        one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        for page in pages
        for one in page["ResourceTagMappingList"]
    }


def test_every_service_is_tagged_by_one_request(house: InProcess, api: Any) -> None:
    assert api.tag_resources(ResourceARNList=ALL, Tags={"team": "cars", "stage": "dev"})["FailedResourcesMap"] == {}
    assert _found(api) == {arn: {"stage": "dev", "team": "cars"} for arn in ALL}
    assert house.client("sagemaker").list_tags(ResourceArn=JOB)["Tags"][1] == {"Key": "team", "Value": "cars"}
    assert house.client("logs").list_tags_for_resource(resourceArn=GROUP)["tags"]["stage"] == "dev"
    assert {one["Key"] for one in house.client("iam").list_role_tags(RoleName="worker")["Tags"]} == {"team", "stage"}
    assert len(house.client("s3").get_bucket_tagging(Bucket="lake")["TagSet"]) == 2
    assert api.untag_resources(ResourceARNList=ALL, TagKeys=["stage", "never"])["FailedResourcesMap"] == {}
    assert _found(api) == {arn: {"team": "cars"} for arn in ALL}
    assert api.untag_resources(ResourceARNList=ALL, TagKeys=["team"])["FailedResourcesMap"] == {}
    assert _found(api) == {}


def test_tags_that_were_set_elsewhere_are_seen(house: InProcess, api: Any) -> None:
    made = {_job(house, "a", kind, origin=kind) for kind in KINDS}
    house.client("iam").tag_role(RoleName="worker", Tags=[{"Key": "origin", "Value": "iam"}])
    assert set(_found(api)) == {*made, ROLE}
    assert api.get_tag_keys()["TagKeys"] == ["origin"]
    assert api.get_tag_values(Key="origin")["TagValues"] == sorted([*KINDS, "iam"])
    assert api.get_tag_values(Key="other")["TagValues"] == []


def test_filters(house: InProcess, api: Any) -> None:
    api.tag_resources(ResourceARNList=[JOB, GROUP], Tags={"team": "cars"})
    api.tag_resources(ResourceARNList=[BUCKET], Tags={"team": "boats", "cost": ""})
    for filters, expected in [
        ([{"Key": "team"}], [BUCKET, GROUP, JOB]),
        ([{"Key": "team", "Values": ["cars"]}], [GROUP, JOB]),
        ([{"Key": "team", "Values": ["cars", "boats"]}, {"Key": "cost"}], [BUCKET]),
        ([{"Key": "Team"}], []),
        ([{"Key": "cost", "Values": [""]}], [BUCKET]),
    ]:
        assert sorted(_found(api, TagFilters=filters)) == sorted(expected)
    for types, expected in [
        (["sagemaker"], [JOB]),
        (["sagemaker:training-job", "s3"], [BUCKET, JOB]),
        (["sagemaker:model"], []),
        (["sage"], []),
    ]:
        assert sorted(_found(api, ResourceTypeFilters=types)) == sorted(expected)
    assert sorted(_found(api, ResourceARNList=[JOB, BUCKET, f"{JOB}-gone"])) == sorted([BUCKET, JOB])
    assert sorted(_found(api, ResourceARNList=[JOB, BUCKET], TagFilters=[{"Key": "cost"}])) == [BUCKET]


def test_pages_hold_everything_once(house: InProcess, api: Any) -> None:
    made = [_job(house, f"j{number:03}", team="cars") for number in range(230)]
    first = api.get_resources(ResourcesPerPage=100)
    assert len(first["ResourceTagMappingList"]) == 100 and first["PaginationToken"]
    seen = [
        one["ResourceARN"]
        for page in api.get_paginator("get_resources").paginate(ResourcesPerPage=17)
        for one in page["ResourceTagMappingList"]
    ]
    assert seen == made
    by_tags = api.get_paginator("get_resources").paginate(TagsPerPage=100)
    assert [len(page["ResourceTagMappingList"]) for page in by_tags] == [100, 100, 30]


def test_a_page_may_be_empty_and_go_on(house: InProcess, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.services.resourcegroupstaggingapi.get._LOOKS", 10)
    for number in range(25):
        _job(house, f"a{number:02}")
    last = _job(house, "z", team="cars")
    assert api.get_resources()["ResourceTagMappingList"] == []
    assert list(_found(api)) == [last]


def test_another_regions_tags_are_not_seen(house: InProcess, api: Any) -> None:
    api.tag_resources(ResourceARNList=ALL, Tags={"team": "cars"})
    there = house.client("resourcegroupstaggingapi", region="eu-west-1")
    assert _found(there) == {}
    assert set(there.tag_resources(ResourceARNList=ALL, Tags={"a": "b"})["FailedResourcesMap"]) == set(ALL)


def test_what_cannot_be_tagged_is_told_and_the_rest_is_done(api: Any) -> None:
    names = [JOB, "arn:aws:s3:::gone", "arn:aws:s3:::lake/key", "arn:aws:ec2:us-east-1:1:instance/i", "nonsense"]
    failed = api.tag_resources(ResourceARNList=names, Tags={"a": "b"})["FailedResourcesMap"]
    assert set(failed) == set(names[1:])
    assert failed["nonsense"]["StatusCode"] == 400
    assert failed["nonsense"]["ErrorCode"] == "InvalidParameterException"
    failed = api.tag_resources(ResourceARNList=[JOB], Tags={"aws:a": "b"})["FailedResourcesMap"]
    assert "ValidationException" in failed[JOB]["ErrorMessage"]
    many = {f"k{number}": "" for number in range(50)}
    failed = api.tag_resources(ResourceARNList=[JOB, BUCKET], Tags=many)["FailedResourcesMap"]
    assert set(failed) == {JOB}  # it would have 51


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"ResourceARNList": [JOB], "ResourcesPerPage": 5}, 400, "together with ResourcesPerPage"),
        ({"ResourcesPerPage": 0}, 400, "between 1 and 100"),
        ({"ResourcesPerPage": 101}, 400, "between 1 and 100"),
        ({"TagsPerPage": 150}, 400, "TagsPerPage"),
        ({"TagsPerPage": 100, "ResourcesPerPage": 5}, 400, "not both"),
        ({"TagFilters": [{"Values": ["x"]}]}, 400, "Key"),
        ({"PaginationToken": "nonsense"}, 400, "pagination token"),
        ({"ResourceTypeFilters": [":x"]}, 400, "resource type"),
        ({"IncludeComplianceDetails": True}, 501, "tag policies"),
    ],
)
def test_wrong_use(api: Any, params: dict[str, Any], status: int, words: str) -> None:
    with pytest.raises(ClientError, match=words) as caught:
        api.get_resources(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_token_of_another_list_is_refused(house: InProcess, api: Any) -> None:
    for number in range(3):
        _job(house, f"j{number}", team="cars")
    token = api.get_resources(ResourcesPerPage=1)["PaginationToken"]
    with pytest.raises(ClientError, match="other filters"):
        api.get_resources(PaginationToken=token, TagFilters=[{"Key": "team"}])


def test_keys_come_in_pages(house: InProcess, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.services.resourcegroupstaggingapi.keys._PAGE", 2)
    _job(house, "j", c="1", a="2", b="2", d="4", e="5")
    first = api.get_tag_keys()
    assert first["TagKeys"] == ["a", "b"]
    pages = api.get_paginator("get_tag_keys").paginate()
    assert [key for page in pages for key in page["TagKeys"]] == ["a", "b", "c", "d", "e"]


def test_a_stranger_may_not(house: InProcess) -> None:
    stranger = Principal("999999999999", "arn:aws:sts::999999999999:assumed-role/r/s", "AROA:s", "assumed-role")
    keys: Keys = house.ring.issue(stranger, 4e9)
    with pytest.raises(ClientError, match="tag:GetResources"):
        house.client("resourcegroupstaggingapi", keys=keys).get_resources()
