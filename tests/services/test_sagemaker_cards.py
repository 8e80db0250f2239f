"""Model cards over boto3: versions, statuses, the schema of their content, lists, exports, events."""

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.heralds import Heralds
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import s3, sagemaker
from clary.services.sagemaker.cards.document import pdf
from clary.services.sagemaker.heralds import HERALDS
from tests.iam_house import iam_house, refused
from tests.inprocess import ACCOUNT, REGION, InProcess

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-card/churn"
METRIC = {"name": "auc", "type": "number", "value": 0.9}
CONTENT = {
    "model_overview": {"model_id": "m-1", "model_name": "churn", "model_description": "Who leaves?"},
    "intended_uses": {"purpose_of_model": "Offers", "risk_rating": "Low"},
    "training_details": {
        "objective_function": {"function": {"function": "Maximize", "facet": "AUC"}, "notes": "on held-out rows"},
        "training_job_details": {"hyper_parameters": [{"name": "num_round", "value": "100"}]},
    },
    "evaluation_details": [{"name": "test set", "metric_groups": [{"name": "binary", "metric_data": [METRIC]}]}],
    "additional_information": {"custom_details": {"team": "blue"}},
}


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    try:
        with iam_house(tmp_path, [sagemaker.service, s3.service], {BucketStore: objects}) as made:
            made.client("s3").create_bucket(Bucket="lake")
            yield made
    finally:
        objects.close()


@pytest.fixture
def client(inside: InProcess) -> Any:
    return inside.client("sagemaker")


def create(client: Any, name: str = "churn", content: Any = CONTENT, **more: Any) -> None:
    client.create_model_card(ModelCardName=name, Content=json.dumps(content), **{"ModelCardStatus": "Draft", **more})


def changed(purpose: str) -> str:
    return json.dumps({**CONTENT, "intended_uses": {"purpose_of_model": purpose}})


def test_new_content_is_a_new_version_and_a_new_status_is_none(client: Any) -> None:
    create(client, Tags=[{"Key": "team", "Value": "blue"}])
    assert refused(create, client=client)[0] == "ConflictException"
    client.update_model_card(ModelCardName="churn", ModelCardStatus="PendingReview")
    for number in range(2, 5):
        client.update_model_card(ModelCardName=ARN, Content=changed(f"purpose {number}"))
    client.update_model_card(ModelCardName="churn", Content=changed("purpose 4"), ModelCardStatus="Approved")
    said = client.describe_model_card(ModelCardName="churn")
    assert (said["ModelCardVersion"], said["ModelCardStatus"], said["ModelCardArn"]) == (4, "Approved", ARN)
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    for number, purpose in enumerate(("Offers", "purpose 2", "purpose 3", "purpose 4"), 1):
        one = client.describe_model_card(ModelCardName="churn", ModelCardVersion=number)
        assert json.loads(one["Content"])["intended_uses"]["purpose_of_model"] == purpose
        assert one["ModelCardVersion"] == number
    assert client.list_tags(ResourceArn=ARN)["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert refused(client.describe_model_card, ModelCardName="churn", ModelCardVersion=5)[0] == "ResourceNotFound"
    assert refused(client.describe_model_card, ModelCardName="none")[0] == "ResourceNotFound"


def test_versions_and_cards_are_listed_in_pages(client: Any) -> None:
    create(client)
    client.update_model_card(ModelCardName="churn", Content=changed("2"), ModelCardStatus="PendingReview")
    client.update_model_card(ModelCardName="churn", Content=changed("3"))
    pages = client.get_paginator("list_model_card_versions").paginate(
        ModelCardName="churn", PaginationConfig={"PageSize": 2}
    )
    found = [one for page in pages for one in page["ModelCardVersionSummaryList"]]
    assert [(one["ModelCardVersion"], one["ModelCardStatus"]) for one in found] == [
        (3, "PendingReview"),
        (2, "PendingReview"),
        (1, "Draft"),
    ]
    drafts = client.list_model_card_versions(ModelCardName="churn", ModelCardStatus="Draft", SortOrder="Ascending")
    assert [one["ModelCardVersion"] for one in drafts["ModelCardVersionSummaryList"]] == [1]
    create(client, "other")
    listed = client.list_model_cards(SortBy="Name", SortOrder="Ascending")["ModelCardSummaries"]
    assert [one["ModelCardName"] for one in listed] == ["churn", "other"]
    pending = client.list_model_cards(ModelCardStatus="PendingReview")["ModelCardSummaries"]
    assert [one["ModelCardName"] for one in pending] == ["churn"]


def test_content_that_is_not_of_the_schema_is_refused_with_every_path(client: Any) -> None:
    wrong = {
        "model_overview": {"model_owner": 7, "owner": "x"},
        "intended_uses": {"risk_rating": "Huge"},
        "evaluation_details": [{"metric_groups": [{"name": "g", "metric_data": [{**METRIC, "type": "curve"}]}]}],
        "business_details": {"business_problem": "x" * 2049},
        "more": {},
    }
    code, message = refused(create, client=client, content=wrong)
    assert code == "ValidationException"
    for part in (
        "model_overview.model_owner must be a string",
        "model_overview.owner is not a member of the schema",
        "intended_uses.risk_rating must be one of High, Medium, Low, Unknown",
        "evaluation_details[0].name is missing",
        "evaluation_details[0].metric_groups[0].metric_data[0].type must be one of number, string",
        "business_details.business_problem has 2049 letters, 2048 are allowed",
        "more is not a member of the schema",
    ):
        assert part in message
    with pytest.raises(ClientError, match="no JSON"):
        client.create_model_card(ModelCardName="c", ModelCardStatus="Draft", Content="{")


def test_an_archived_card_keeps_its_content_and_a_deleted_one_leaves_nothing(client: Any) -> None:
    create(client)
    client.update_model_card(ModelCardName="churn", Content=changed("2"), ModelCardStatus="Archived")
    assert refused(client.update_model_card, ModelCardName="churn", Content=changed("3"))[0] == "ConflictException"
    client.delete_model_card(ModelCardName="churn")
    assert refused(client.delete_model_card, ModelCardName="churn")[0] == "ResourceNotFound"
    create(client)
    assert client.describe_model_card(ModelCardName="churn")["ModelCardVersion"] == 1
    listed = client.list_model_card_versions(ModelCardName="churn")["ModelCardVersionSummaryList"]
    assert len(listed) == 1


def test_metadata_only_shows_what_aws_lists(client: Any) -> None:
    create(client)
    said = client.describe_model_card(ModelCardName="churn", IncludedData="MetadataOnly")
    assert json.loads(said["Content"]) == {
        "model_overview": {"model_id": "m-1", "model_name": "churn"},
        "intended_uses": {"risk_rating": "Low"},
    }


def test_a_card_is_exported_as_a_pdf_with_all_it_says(inside: InProcess, client: Any) -> None:
    create(client)
    where = {"S3OutputPath": "s3://lake/cards"}
    made = client.create_model_card_export_job(ModelCardName="churn", ModelCardExportJobName="e", OutputConfig=where)[
        "ModelCardExportJobArn"
    ]
    job = client.describe_model_card_export_job(ModelCardExportJobArn=made)
    assert (job["Status"], job["ModelCardVersion"]) == ("Completed", 1)
    assert job["ExportArtifacts"]["S3ExportArtifacts"] == "s3://lake/cards/e.pdf"
    body = inside.client("s3").get_object(Bucket="lake", Key="cards/e.pdf")["Body"].read()
    text = text_of(body)
    for words in ("Model card churn", "Version 1, Draft", "Who leaves?", "Name: auc", "Value: 0.9", "Team: blue"):
        assert words in text
    again = {"ModelCardName": "churn", "ModelCardExportJobName": "e", "OutputConfig": where}
    assert refused(client.create_model_card_export_job, **again)[0] == "ConflictException"
    nowhere = {"S3OutputPath": "s3://none/cards"}
    failed = client.create_model_card_export_job(
        ModelCardName="churn", ModelCardExportJobName="f", OutputConfig=nowhere
    )["ModelCardExportJobArn"]
    job = client.describe_model_card_export_job(ModelCardExportJobArn=failed)
    assert job["Status"] == "Failed"
    assert "could not be written" in job["FailureReason"]
    listed = client.list_model_card_export_jobs(ModelCardName="churn", StatusEquals="Completed")
    assert [one["ModelCardExportJobName"] for one in listed["ModelCardExportJobSummaries"]] == ["e"]
    pages = client.get_paginator("list_model_card_export_jobs").paginate(
        ModelCardName="churn", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 1}
    )
    found = [one["ModelCardExportJobName"] for page in pages for one in page["ModelCardExportJobSummaries"]]
    assert found == ["e", "f"]


def test_long_cards_go_over_pages_and_no_line_is_wider_than_the_page() -> None:
    card = {
        "ModelCardName": "x",
        "ModelCardVersion": 1,
        "ModelCardStatus": "Draft",
        "LastModifiedTime": 1.7e9,
        "ModelCardArn": ARN,
    }
    body = pdf(card, {"business_details": {"business_problem": "W" * 2000, "line_of_business": "some words " * 500}})
    assert body.count(b"/Type /Page\n") + body.count(b"/Type /Page ") >= 2 or body.count(b"/MediaBox") >= 2
    assert max(len(line) for line in text_of(body).splitlines()) < 130


def test_changes_of_a_card_are_told_as_events(inside: InProcess, client: Any) -> None:
    create(client)
    client.update_model_card(ModelCardName="churn", ModelCardStatus="Approved")
    lines = [line for line in inside.store.events(0, 100) if line.kind == "model-card"]
    made, approved = [event for line in lines for event in Heralds(HERALDS).told(line)]
    assert made["detail-type"] == "SageMaker Model Card State Change"
    assert made["resources"] == [ARN]
    assert (made["detail"]["ModelCardStatus"], approved["detail"]["ModelCardStatus"]) == ("Draft", "Approved")
    assert approved["detail"]["ModelId"] == "m-1"
    assert "Content" not in approved["detail"]
    assert approved["detail"]["CreationTime"].endswith("Z")


def test_the_card_of_a_model_package_is_of_its_own_schema(client: Any) -> None:
    client.create_model_package_group(ModelPackageGroupName="cars")
    card = {"ModelCardContent": json.dumps({"model_overview": {"model_creator": "ada"}}), "ModelCardStatus": "Draft"}
    arn = client.create_model_package(ModelPackageGroupName="cars", ModelCard=card)["ModelPackageArn"]
    assert client.describe_model_package(ModelPackageName=arn)["ModelCard"] == card
    client.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Archived"})
    said = client.describe_model_package(ModelPackageName=arn)["ModelCard"]
    assert said == {**card, "ModelCardStatus": "Archived"}
    with pytest.raises(ClientError, match="Archived state"):
        client.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardContent": "{}"})
    wrong = {"ModelCardContent": json.dumps({"model_overview": {"model_id": "x"}}), "ModelCardStatus": "Draft"}
    with pytest.raises(ClientError, match=r"model_overview\.model_id is not a member"):
        client.create_model_package(ModelPackageGroupName="cars", ModelCard=wrong)


def text_of(body: bytes) -> str:
    """The lines of text in the PDF's streams."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", body, re.DOTALL)
    shown = [re.findall(rb"\((.*?)(?<!\\)\) Tj", zlib.decompress(one)) for one in streams]
    return "\n".join(line.decode("cp1252") for lines in shown for line in lines)
