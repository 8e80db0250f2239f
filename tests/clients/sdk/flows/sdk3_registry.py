"""sagemaker 3.x: groups, versions with metrics, approval, life cycle; model cards, their versions and an export.

The argument is the artifact of an XGBoost model.
"""

import json
import sys
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Model, ModelCard, ModelCardExportJob, ModelPackage, ModelPackageGroup
from sagemaker.core.shapes import ContainerDefinition, ModelCardExportOutputConfig, ModelLifeCycle

session = Session()
role = get_execution_role()
s3 = session.boto_session.client("s3")
bucket = session.default_bucket()
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
s3.put_object(Bucket=bucket, Key="registry3/model.tar.gz", Body=Path(sys.argv[1]).read_bytes())

group = ModelPackageGroup.create(model_package_group_name="registry3")


def register(mse: float) -> ModelPackage:
    s3.put_object(Bucket=bucket, Key="registry3/evaluation.json", Body=json.dumps({"mse": {"value": mse}}).encode())
    source = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/registry3/evaluation.json"}
    container = {"Image": image, "ModelDataUrl": f"s3://{bucket}/registry3/model.tar.gz"}
    # The resource's own create() reads a member of the answer that CreateModelPackage has not, here as on AWS.
    made = session.sagemaker_client.create_model_package(
        ModelPackageGroupName=group.model_package_group_name,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": source}},
        CustomerMetadataProperties={"from": "flow"},
        ModelCard={
            "ModelCardContent": json.dumps({"intended_uses": {"risk_rating": "Low"}}),
            "ModelCardStatus": "Draft",
        },
    )
    return ModelPackage.get(model_package_name=made["ModelPackageArn"])


def by_arn(package: ModelPackage) -> ModelPackage:
    """A version has the name of its group, which names no version: here as on AWS."""
    package.model_package_name = package.model_package_arn
    return package


def value(package: ModelPackage) -> float:
    uri = package.model_metrics.model_quality.statistics.s3_uri
    at, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(s3.get_object(Bucket=at, Key=key)["Body"].read())["mse"]["value"]


first, second = register(4.0), register(3.0)
by_arn(second).update(model_approval_status="Approved", approval_description="better")
by_arn(second).update(
    customer_metadata_properties={"owner": "ada"},
    model_life_cycle=ModelLifeCycle(stage="Staging", stage_status="Live"),
)
now = ModelPackage.get(model_package_name=second.model_package_arn)
values = [value(first), value(now)]
model = Model.create(
    model_name="registry3",
    execution_role_arn=role,
    containers=[ContainerDefinition(model_package_name=second.model_package_arn)],
)
listed = [one.model_package_arn for one in ModelPackage.get_all(model_package_group_name="registry3")]

card = ModelCard.create(
    model_card_name="registry3",
    content=json.dumps({"model_overview": {"model_name": "cars"}}),
    model_card_status="Draft",
)
card.update(content=json.dumps({"model_overview": {"model_name": "cars", "model_owner": "ada"}}))
card.update(model_card_status="Approved")
newest = ModelCard.get(model_card_name="registry3")  # an object goes on looking at the version that it was made of
versions = [one.model_card_version for one in newest.get_all_versions()]  # those of its own status
job = ModelCardExportJob.create(
    model_card_name="registry3",
    model_card_export_job_name="export",
    output_config=ModelCardExportOutputConfig(s3_output_path=f"s3://{bucket}/registry3/cards"),
)
job.wait()
card.delete()
by_arn(first).delete()
print(
    json.dumps(
        {
            "values": values,
            "status": [now.model_approval_status, now.approval_description],
            "stage": now.model_life_cycle.stage,
            "properties": now.customer_metadata_properties,
            "listed": listed,
            "arn": second.model_package_arn,
            "model": model.containers[0].model_package_name,
            "card": [newest.model_card_version, newest.model_card_status],
            "versions": versions,
            "exported": job.export_artifacts.s3_export_artifacts,
        }
    )
)
