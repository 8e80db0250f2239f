"""ECR's operations, through boto3."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys
from clary.kernel.clock import ManualClock
from clary.services import ecr as service
from clary.services.ecr import blobs
from tests.ecr_house import House, Pusher, digest_of, ecr_house, layer, manifest
from tests.inprocess import ACCOUNT, REGION, make_role

ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ecr_house(tmp_path) as made:
        yield made


@pytest.fixture
def ecr(house: House) -> Any:
    client = house.client("ecr")
    client.create_repository(repositoryName="team/mine", tags=[{"Key": "a", "Value": "b"}])
    return client


@pytest.fixture
def push(house: House, ecr: Any) -> Pusher:
    return Pusher(house, ecr)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_repository_is_made_described_and_deleted(ecr: Any) -> None:
    one = ecr.describe_repositories(repositoryNames=["team/mine"])["repositories"][0]
    assert one["repositoryArn"] == f"{ARN}/team/mine"
    assert one["repositoryUri"] == f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/mine"
    assert (one["imageTagMutability"], one["encryptionConfiguration"]) == ("MUTABLE", {"encryptionType": "AES256"})
    assert ecr.list_tags_for_resource(resourceArn=one["repositoryArn"])["tags"] == [{"Key": "a", "Value": "b"}]
    ecr.tag_resource(resourceArn=one["repositoryArn"], tags=[{"Key": "c", "Value": "d"}])
    ecr.untag_resource(resourceArn=one["repositoryArn"], tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=one["repositoryArn"])["tags"] == [{"Key": "c", "Value": "d"}]
    assert ecr.delete_repository(repositoryName="team/mine")["repository"]["repositoryName"] == "team/mine"
    assert ecr.describe_repositories()["repositories"] == []


def test_repositories_come_in_pages(ecr: Any) -> None:
    for name in ("aa", "bb", "cc"):
        ecr.create_repository(repositoryName=name)
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["repositoryName"] for one in page["repositories"]] for page in pages] == [
        ["aa", "bb"],
        ["cc", "team/mine"],
    ]


MINE = {"repositoryName": "team/mine"}
NEW = {"repositoryName": "x1"}
NOWHERE = {"repositoryName": "none"}
UNKNOWN = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("create_repository", MINE, "RepositoryAlreadyExists"),
        ("create_repository", {**NEW, "registryId": "000000000000"}, "InvalidParameter"),
        ("create_repository", {**NEW, "encryptionConfiguration": {"encryptionType": "KMS"}}, "NotImplemented"),
        ("create_repository", {**NEW, "imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "InvalidParameter"),
        ("create_repository", {**NEW, "tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidTagParameter"),
        ("describe_repositories", {"repositoryNames": ["none"]}, "RepositoryNotFound"),
        ("describe_repositories", {"repositoryNames": ["none"], "maxResults": 1}, "InvalidParameter"),
        ("describe_repositories", {"nextToken": "nonsense"}, "InvalidParameter"),
        ("delete_repository", NOWHERE, "RepositoryNotFound"),
        ("list_images", NOWHERE, "RepositoryNotFound"),
        ("list_images", {**MINE, "registryId": "000000000000"}, "RepositoryNotFound"),
        ("describe_images", {**MINE, "imageIds": [{"imageTag": "x"}]}, "ImageNotFound"),
        ("put_image", {**MINE, "imageManifest": "{"}, "InvalidParameter"),
        ("get_repository_policy", MINE, "RepositoryPolicyNotFound"),
        ("get_lifecycle_policy", MINE, "LifecyclePolicyNotFound"),
        ("set_repository_policy", {**MINE, "policyText": "{}"}, "InvalidParameter"),
        ("list_tags_for_resource", {"resourceArn": "arn:aws:ecr:x:y:repository/z"}, "InvalidParameter"),
        ("list_tags_for_resource", {"resourceArn": f"{ARN}/none"}, "RepositoryNotFound"),
        ("get_download_url_for_layer", {**MINE, "layerDigest": UNKNOWN}, "LayersNotFound"),
    ],
)
def test_what_cannot_be_is_refused(ecr: Any, operation: str, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(ecr, operation)(**parameters)
    assert code_of(refused).removesuffix("Exception") == code


def test_the_token_is_user_and_password_for_twelve_hours(house: House, ecr: Any) -> None:
    given = ecr.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
    assert user == "AWS" and password
    assert abs(given["expiresAt"].timestamp() - house.clock.now() - 12 * 3600) < 60
    assert given["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def test_a_layer_goes_up_in_parts_and_an_image_is_put(ecr: Any) -> None:
    data, config = layer("f", b"x" * 100_000), b"{}"
    for one in (data, config):
        upload = ecr.initiate_layer_upload(repositoryName="team/mine")["uploadId"]
        digest = digest_of(one)
        for start in range(0, len(one), 60):
            piece = one[start : start + 60]
            answer = ecr.upload_layer_part(
                repositoryName="team/mine",
                uploadId=upload,
                partFirstByte=start,
                partLastByte=start + len(piece) - 1,
                layerPartBlob=piece,
            )
            assert answer["lastByteReceived"] == start + len(piece) - 1
        assert ecr.complete_layer_upload(repositoryName="team/mine", uploadId=upload, layerDigests=[digest])[
            "layerDigest"
        ] == digest  # fmt: skip
    found = ecr.batch_check_layer_availability(
        repositoryName="team/mine", layerDigests=[digest_of(data), "sha256:" + "0" * 64, "nonsense"]
    )
    assert [one["layerAvailability"] for one in found["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    assert found["layers"][0]["layerSize"] == len(data)
    assert found["failures"][0]["failureCode"] == "InvalidLayerDigest"
    said = manifest(config, data).decode()
    put = ecr.put_image(repositoryName="team/mine", imageManifest=said, imageTag="1")["image"]
    assert put["imageId"] == {"imageDigest": digest_of(said.encode()), "imageTag": "1"}
    with pytest.raises(ClientError) as again:
        ecr.put_image(repositoryName="team/mine", imageManifest=said, imageTag="1")
    assert code_of(again) == "ImageAlreadyExistsException"
    got = ecr.batch_get_image(
        repositoryName="team/mine", imageIds=[{"imageTag": "1"}, {"imageTag": "2"}, {"imageDigest": "x"}]
    )
    assert got["images"][0]["imageManifest"] == said
    assert [one["failureCode"] for one in got["failures"]] == ["ImageNotFound", "InvalidImageDigest"]


def test_an_upload_refuses_what_does_not_follow_or_does_not_match(ecr: Any) -> None:
    upload = ecr.initiate_layer_upload(repositoryName="team/mine")["uploadId"]
    part = {"repositoryName": "team/mine", "uploadId": upload}
    with pytest.raises(ClientError) as empty:
        ecr.complete_layer_upload(**part, layerDigests=["sha256:" + "0" * 64])
    with pytest.raises(ClientError) as gap:
        ecr.upload_layer_part(**part, partFirstByte=5, partLastByte=5, layerPartBlob=b"x")
    ecr.upload_layer_part(**part, partFirstByte=0, partLastByte=0, layerPartBlob=b"x")
    with pytest.raises(ClientError) as other:
        ecr.complete_layer_upload(**part, layerDigests=["sha256:" + "0" * 64])
    with pytest.raises(ClientError) as gone:
        ecr.upload_layer_part(
            repositoryName="team/mine", uploadId="0" * 8 + "-0000-0000-0000-" + "0" * 12, partFirstByte=0,
            partLastByte=0, layerPartBlob=b"x",
        )  # fmt: skip
    assert [code_of(one) for one in (empty, gap, other, gone)] == [
        "EmptyUploadException",
        "InvalidLayerPartException",
        "InvalidLayerException",
        "UploadNotFoundException",
    ]


def test_images_are_listed_described_and_deleted_by_tag_and_digest(ecr: Any, push: Pusher) -> None:
    one = push.image("team/mine", "1", layer("f", b"one"))
    push.image("team/mine", "2", layer("f", b"two"))
    assert push("PUT", "team/mine/manifests/also-1", push("GET", "team/mine/manifests/1")[2])[0] == 201
    assert sorted(found["imageTag"] for found in ecr.list_images(repositoryName="team/mine")["imageIds"]) == [
        "1",
        "2",
        "also-1",
    ]
    details = ecr.describe_images(repositoryName="team/mine", imageIds=[{"imageDigest": one}])["imageDetails"]
    assert details[0]["imageTags"] == ["1", "also-1"] and details[0]["imageSizeInBytes"] > 0
    pages = ecr.get_paginator("list_images").paginate(repositoryName="team/mine", PaginationConfig={"PageSize": 1})
    assert len([page for page in pages if page["imageIds"]]) == 3
    described = ecr.get_paginator("describe_images").paginate(
        repositoryName="team/mine", filter={"tagStatus": "TAGGED"}, PaginationConfig={"PageSize": 1}
    )
    assert sum(len(page["imageDetails"]) for page in described) == 2
    with pytest.raises(ClientError) as full:
        ecr.delete_repository(repositoryName="team/mine")
    assert code_of(full) == "RepositoryNotEmptyException"
    gone = ecr.batch_delete_image(repositoryName="team/mine", imageIds=[{"imageTag": "1"}, {"imageTag": "none"}])
    assert gone["imageIds"] == [{"imageDigest": one, "imageTag": "1"}]
    assert [failure["failureCode"] for failure in gone["failures"]] == ["ImageNotFound"]
    assert ecr.describe_images(repositoryName="team/mine", imageIds=[{"imageTag": "also-1"}])["imageDetails"]
    ecr.batch_delete_image(repositoryName="team/mine", imageIds=[{"imageDigest": one}])
    assert len(ecr.list_images(repositoryName="team/mine")["imageIds"]) == 1
    ecr.delete_repository(repositoryName="team/mine", force=True)
    ecr.create_repository(repositoryName="team/mine")
    assert ecr.list_images(repositoryName="team/mine")["imageIds"] == []


def test_a_tag_moves_unless_it_is_immutable(ecr: Any, push: Pusher) -> None:
    push.image("team/mine", "1", layer("f", b"one"))
    two = push.image("team/mine", "1", layer("f", b"two"))
    assert ecr.describe_images(repositoryName="team/mine", imageIds=[{"imageTag": "1"}])["imageDetails"][0][
        "imageDigest"
    ] == two  # fmt: skip
    untagged = ecr.list_images(repositoryName="team/mine", filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert len(untagged) == 1 and "imageTag" not in untagged[0]
    ecr.put_image_tag_mutability(
        repositoryName="team/mine",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
    )
    said = manifest(b'{"tag": "1"}', layer("f", b"one")).decode()
    with pytest.raises(ClientError) as fixed:
        ecr.put_image(repositoryName="team/mine", imageManifest=said, imageTag="1")
    assert code_of(fixed) == "ImageTagAlreadyExistsException"
    for data in (b"three", b"four"):
        push.image("team/mine", "dev-1", layer("f", data))


def test_policies_are_set_and_lifecycles_remembered(ecr: Any) -> None:
    text = json.dumps(POLICY)
    assert ecr.set_repository_policy(repositoryName="team/mine", policyText=text)["policyText"] == text
    assert ecr.get_repository_policy(repositoryName="team/mine")["policyText"] == text
    ecr.delete_repository_policy(repositoryName="team/mine")
    rules = json.dumps({"rules": [{"rulePriority": 1, "description": "x" * 80, "selection": {}, "action": {}}]})
    ecr.put_lifecycle_policy(repositoryName="team/mine", lifecyclePolicyText=rules)
    assert ecr.get_lifecycle_policy(repositoryName="team/mine")["lifecyclePolicyText"] == rules
    ecr.delete_lifecycle_policy(repositoryName="team/mine")
    scanning = ecr.put_image_scanning_configuration(
        repositoryName="team/mine", imageScanningConfiguration={"scanOnPush": True}
    )
    assert scanning["imageScanningConfiguration"] == {"scanOnPush": True}


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "pull",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/puller"},
            "Action": ["ecr:BatchGetImage", "ecr:DescribeImages"],
        }
    ],
}


def test_a_repositorys_policy_lets_somebody_in(house: House, ecr: Any) -> None:
    role = make_role(house, "puller", ())
    given = house.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    theirs = house.client("ecr", keys=keys)
    with pytest.raises(ClientError) as denied:
        theirs.describe_images(repositoryName="team/mine")
    assert code_of(denied) == "AccessDeniedException"
    ecr.set_repository_policy(repositoryName="team/mine", policyText=json.dumps(POLICY))
    assert theirs.describe_images(repositoryName="team/mine")["imageDetails"] == []


def test_garbage_is_collected_once_it_is_a_day_old(house: House, ecr: Any, push: Pusher) -> None:
    kept, dropped = layer("f", b"kept"), layer("f", b"dropped")
    push.image("team/mine", "1", kept)
    digest = push.image("team/mine", "2", dropped)
    ecr.initiate_layer_upload(repositoryName="team/mine")
    ecr.batch_delete_image(repositoryName="team/mine", imageIds=[{"imageDigest": digest}])

    def stored() -> set[str]:
        listed = house.run(house.objects.list(blobs.BUCKET, blobs.PREFIX, "", 1000))
        return {one.key.rpartition("/")[2] for one in listed}

    def tidy(later: float) -> None:
        house.run(service.tidying.tidy(house.raw_store, house.objects, ManualClock(house.clock.now() + later)))

    tidy(0.0)
    assert hashlib.sha256(dropped).hexdigest() in stored()
    tidy(90_000.0)
    assert hashlib.sha256(kept).hexdigest() in stored() and hashlib.sha256(dropped).hexdigest() not in stored()
    assert push("GET", "team/mine/manifests/1")[0] == 200
    ecr.delete_repository(repositoryName="team/mine", force=True)
    tidy(90_000.0)
    assert stored() == set()
