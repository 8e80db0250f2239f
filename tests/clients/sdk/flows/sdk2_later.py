"""sagemaker 2.x: an asynchronous endpoint and a serverless one. The argument is an XGBoost artifact."""

import json
import sys
import time

import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.async_inference import AsyncInferenceConfig, WaiterConfig
from sagemaker.deserializers import CSVDeserializer
from sagemaker.exceptions import AsyncInferenceModelError
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.s3 import S3Uploader
from sagemaker.serializers import CSVSerializer
from sagemaker.serverless import ServerlessInferenceConfig

session = sagemaker.Session()
role = get_execution_role()
at = f"s3://{session.default_bucket()}/later2"
trees = S3Uploader.upload(sys.argv[1], f"{at}/model", sagemaker_session=session)
image = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
client = session.sagemaker_client
rows = [[0.5, 0.5, 0.5], [0.1, 0.9, 0.2]]


def deployed(base: str, **config: object) -> Predictor:
    name = sagemaker.utils.name_from_base(base)
    Model(image, trees, role=role, sagemaker_session=session).deploy(endpoint_name=name, wait=False, **config)
    while (status := client.describe_endpoint(EndpointName=name)["EndpointStatus"]) == "Creating":
        time.sleep(0.2)
    assert status == "InService", client.describe_endpoint(EndpointName=name)
    return Predictor(name, sagemaker_session=session, serializer=CSVSerializer(), deserializer=CSVDeserializer())


once = {"initial_instance_count": 1, "instance_type": "ml.m5.large"}
later = AsyncPredictor(deployed("later", async_inference_config=AsyncInferenceConfig(), **once))
# Whichever object never comes, the output or the failure, is waited for to the end: the program ends no sooner.
waiter = WaiterConfig(max_attempts=30, delay=1)
answer = later.predict_async(data=rows)
asynchronous = answer.get_result(waiter)
try:
    later.predict_async(data="not,numbers").get_result(waiter)
    failure = ""
except AsyncInferenceModelError as error:
    failure = str(error)
asleep = deployed("asleep", serverless_inference_config=ServerlessInferenceConfig(2048, 5))
serverless = asleep.predict(rows)
shown = client.describe_endpoint(EndpointName=asleep.endpoint_name)["ProductionVariants"][0]
later.delete_endpoint()
asleep.delete_endpoint()
print(
    json.dumps(
        {
            "asynchronous": asynchronous,
            "output": answer.output_path,
            "failure": failure,
            "serverless": serverless,
            "shown": shown["CurrentServerlessConfig"],
        }
    )
)
