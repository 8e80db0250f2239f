"""sagemaker 2.x: a PipelineModel, a MultiDataModel, and a model that is registered, approved and deployed.

The arguments are two artifacts: a fitted scaler (model.joblib) and an XGBoost model.
"""

import json
import sys
import time

import sagemaker
from sagemaker import ModelPackage, get_execution_role, image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.model import Model
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Uploader
from sagemaker.serializers import CSVSerializer

session = sagemaker.Session()
role = get_execution_role()
region = session.boto_region_name
at = f"s3://{session.default_bucket()}/hosting2"
scaler, trees = (S3Uploader.upload(path, f"{at}/single", sagemaker_session=session) for path in sys.argv[1:3])
images = {
    "scikit": image_uris.retrieve("sklearn", region, version="1.2-1"),
    "xgboost": image_uris.retrieve("xgboost", region, version="1.7-1"),
}
client = session.sagemaker_client
codecs = {"serializer": CSVSerializer(), "deserializer": CSVDeserializer()}


def in_service(name: str) -> Predictor:
    while (status := client.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
        time.sleep(0.2)
    assert status == "InService", client.describe_endpoint(EndpointName=name)
    return Predictor(name, sagemaker_session=session, **codecs)


def named(base: str) -> str:
    return sagemaker.utils.name_from_base(base)


once = {"initial_instance_count": 1, "instance_type": "ml.m5.large", "wait": False}
rows = [[0.5, 0.5, 0.5], [0.1, 0.9, 0.2]]

stages = [
    Model(images["scikit"], scaler, role=role, sagemaker_session=session),
    Model(images["xgboost"], trees, role=role, sagemaker_session=session),
]
pipeline = PipelineModel(stages, role, name=named("pipe"), sagemaker_session=session)
pipeline.deploy(endpoint_name=named("pipe"), **once)
piped = in_service(pipeline.endpoint_name)
through = piped.predict(rows)

plain = Model(images["xgboost"], role=role, sagemaker_session=session)
many = MultiDataModel(named("many"), f"{at}/many/", model=plain, sagemaker_session=session)
endpoint = named("many")
many.deploy(endpoint_name=endpoint, **once)
for name in ("first.tar.gz", "deep/second.tar.gz"):
    many.add_model(trees, name)
listed = sorted(many.list_models())
chosen = in_service(endpoint)
asked = [chosen.predict(rows, target_model=name) for name in listed]

group = named("cars")
registered = Model(images["xgboost"], trees, role=role, sagemaker_session=session).register(
    content_types=["text/csv"],
    response_types=["text/csv"],
    inference_instances=["ml.m5.large"],
    transform_instances=["ml.m5.large"],
    model_package_group_name=group,
    approval_status="PendingManualApproval",
    description="of a test",
)
before = client.describe_model_package(ModelPackageName=registered.model_package_arn)["ModelApprovalStatus"]
client.update_model_package(ModelPackageArn=registered.model_package_arn, ModelApprovalStatus="Approved")
package = ModelPackage(role=role, model_package_arn=registered.model_package_arn, sagemaker_session=session)
endpoint = named("package")
package.deploy(endpoint_name=endpoint, **once)
of_package = in_service(endpoint).predict(rows)

for predictor in (piped, chosen, Predictor(endpoint, sagemaker_session=session)):
    predictor.delete_endpoint()
versions = client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
print(
    json.dumps(
        {
            "piped": through,
            "many": asked,
            "listed": listed,
            "package": of_package,
            "before": before,
            "versions": [one["ModelPackageVersion"] for one in versions],
            "arn": registered.model_package_arn,
        }
    )
)
