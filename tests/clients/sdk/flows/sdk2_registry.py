"""sagemaker 2.x: register with metrics, change and approve a version, deploy it; model cards, also of a package.

The argument is the artifact of an XGBoost model.
"""

import json
import sys
import time

import sagemaker
from sagemaker import ModelPackage, get_execution_role, image_uris
from sagemaker.deserializers import CSVDeserializer
from sagemaker.model import Model
from sagemaker.model_card import (
    AdditionalInformation,
    BusinessDetails,
    EvaluationJob,
    HyperParameter,
    IntendedUses,
    Metric,
    MetricGroup,
    ModelCard,
    ModelCardStatusEnum,
    ModelOverview,
    ObjectiveFunction,
    TrainingDetails,
    TrainingJobDetails,
    TrainingMetric,
)
from sagemaker.model_card import Function as ObjectiveFunctionOf
from sagemaker.model_card import ModelPackage as CardPackage
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Uploader
from sagemaker.serializers import CSVSerializer

session = sagemaker.Session()
role = get_execution_role()
at = f"s3://{session.default_bucket()}/registry2"
trees = S3Uploader.upload(sys.argv[1], at, sagemaker_session=session)
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
client = session.sagemaker_client


def register(mse: float) -> ModelPackage:
    body = json.dumps({"regression_metrics": {"mse": {"value": mse, "standard_deviation": 0.1}}})
    uri = S3Uploader.upload_string_as_file_body(body, f"{at}/evaluation.json", sagemaker_session=session)
    return Model(image, trees, role=role, sagemaker_session=session).register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="registry2",
        model_metrics=ModelMetrics(model_statistics=MetricsSource(content_type="application/json", s3_uri=uri)),
        customer_metadata_properties={"from": "flow"},
        approval_status="PendingManualApproval",
    )


def value(package: ModelPackage) -> float:
    said = client.describe_model_package(ModelPackageName=package.model_package_arn)
    uri = said["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    return json.loads(sagemaker.s3.S3Downloader.read_file(uri, session))["regression_metrics"]["mse"]["value"]


first, second = register(4.0), register(3.0)
second.update_customer_metadata({"owner": "ada"})
second.add_inference_specification("other", image_uris=[image], content_types=["text/csv"], response_types=["text/csv"])
second.update_approval_status("Approved", approval_description="better")
first.update_approval_status("Rejected", approval_description="worse")
now = client.describe_model_package(ModelPackageName=second.model_package_arn)

package = ModelPackage(role=role, model_package_arn=second.model_package_arn, sagemaker_session=session)
name = sagemaker.utils.name_from_base("registry2")
package.deploy(endpoint_name=name, initial_instance_count=1, instance_type="ml.m5.large", wait=False)
while client.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating":
    time.sleep(0.2)
predictor = Predictor(name, session, serializer=CSVSerializer(), deserializer=CSVDeserializer())
answer = predictor.predict([[0.5, 0.5, 0.5]])
predictor.delete_endpoint()

card = ModelCard(
    name="registry2-plain",
    status=ModelCardStatusEnum.DRAFT,
    model_overview=ModelOverview(model_name="cars", model_version=1, model_description="of a test", model_owner="ada"),
    intended_uses=IntendedUses(purpose_of_model="tests", risk_rating="Low"),
    business_details=BusinessDetails(business_problem="none"),
    training_details=TrainingDetails(
        objective_function=ObjectiveFunction(
            function=ObjectiveFunctionOf(function="Minimize", facet="RMSE", condition="always"), notes="on all rows"
        ),
        training_job_details=TrainingJobDetails(
            training_arn="none",
            training_datasets=[at],
            training_metrics=[TrainingMetric(name="rmse", value=2.0)],
            hyper_parameters=[HyperParameter(name="num_round", value="3")],
        ),
    ),
    evaluation_details=[
        EvaluationJob(
            name="held out",
            metric_groups=[
                MetricGroup(
                    name="all",
                    metric_data=[
                        Metric(name="mse", type="number", value=3.0),
                        Metric(name="roc", type="linear_graph", value=[[0.0, 0.0], [1.0, 1.0]]),
                        Metric(name="confusion", type="matrix", value=[[1, 2], [3, 4]]),
                    ],
                )
            ],
        )
    ],
    additional_information=AdditionalInformation(custom_details={"team": "blue"}),
    sagemaker_session=session,
)
card.create()
card.update(status=ModelCardStatusEnum.PENDING_REVIEW, intended_uses=IntendedUses(purpose_of_model="more tests"))
loaded = ModelCard.load("registry2-plain", sagemaker_session=session)
exported = loaded.export_pdf(f"{at}/cards")

details = CardPackage.from_model_package_arn(second.model_package_arn, sagemaker_session=session)
of_package = ModelCard(name="registry2-package", model_package_details=details, sagemaker_session=session)
of_package.create()
again = ModelCard.load("registry2-package", sagemaker_session=session)
versions = loaded.get_version_history()
cards = [one["ModelCardName"] for one in client.list_model_cards(SortBy="Name")["ModelCardSummaries"]]
again.delete()
print(
    json.dumps(
        {
            "values": [value(first), value(second)],
            "status": [now["ModelApprovalStatus"], now["ApprovalDescription"]],
            "properties": now["CustomerMetadataProperties"],
            "specifications": [one["Name"] for one in now["AdditionalInferenceSpecifications"]],
            "answer": answer,
            "loaded": [loaded.version, str(loaded.status.value), loaded.intended_uses.purpose_of_model],
            "versions": [one["ModelCardVersion"] for one in versions],
            "exported": exported,
            "package": again.model_package_details.model_package_arn == second.model_package_arn,
            "cards": cards,
        }
    )
)
