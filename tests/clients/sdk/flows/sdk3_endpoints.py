"""sagemaker 3.x: endpoints of every kind: captured and updated, asynchronous, serverless, a pipeline, many models.

The arguments are four artifacts: a fitted scaler (model.joblib), an XGBoost model of scaled rows, one of rows as they
are, and one that says twice as much.
"""

import json
import sys
import time

from sagemaker.core import image_uris
from sagemaker.core.common_utils import unique_name_from_base
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.inference_config import AsyncInferenceConfig, ServerlessInferenceConfig
from sagemaker.core.iterators import ByteIterator
from sagemaker.core.model_monitor.data_capture_config import DataCaptureConfig
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import CaptureContentTypeHeader, CaptureOption, ContainerDefinition, ProductionVariant
from sagemaker.core.shapes import DataCaptureConfig as CoreDataCaptureConfig
from sagemaker.serve.mode.function_pointers import Mode
from sagemaker.serve.model_builder import ModelBuilder

session = Session()
role = get_execution_role()
region = session.boto_region_name
at = f"s3://{session.default_bucket()}/{unique_name_from_base('endpoints3')}"
scaler, scaled, trees, twice = (S3Uploader.upload(one, f"{at}/one", sagemaker_session=session) for one in sys.argv[1:])
scikit = image_uris.retrieve("sklearn", region, version="1.2-1")
xgboost = image_uris.retrieve("xgboost", region, version="1.7-1")
rows = "0.5,0.5,0.5\n0.1,0.9,0.2"
csv = {"content_type": "text/csv", "accept": "text/csv"}
once = {"initial_instance_count": 1, "instance_type": "ml.m5.large"}


def numbers(body: bytes) -> list[float]:
    return [float(one) for one in body.decode().replace("\n", ",").strip(",").split(",")]


def asked(endpoint: Endpoint, body: str = rows, **more: str) -> list[float]:
    return numbers(endpoint.invoke(body=body, **csv, **more).body.read())


def built(**of: object) -> ModelBuilder:
    builder = ModelBuilder(
        role_arn=role, sagemaker_session=session, mode=Mode.SAGEMAKER_ENDPOINT, instance_type="ml.m5.large", **of
    )
    builder.build(model_name=unique_name_from_base("built"))
    return builder


def deployed(builder: ModelBuilder, base: str, **how: object) -> Endpoint:
    return builder.deploy(endpoint_name=unique_name_from_base(base), wait=False, **how)


def made(**of: object) -> Model:
    return Model.create(model_name=unique_name_from_base("made"), execution_role_arn=role, **of)


def configured(model: Model, **more: object) -> EndpointConfig:
    variant = ProductionVariant(variant_name="AllTraffic", model_name=model.model_name, **once)
    return EndpointConfig.create(
        endpoint_config_name=unique_name_from_base("config"), production_variants=[variant], **more
    )


def captured(prefix: str) -> list[dict]:
    """The lines below this prefix, of which there will be one."""
    until = time.monotonic() + 90
    while not (found := S3Downloader.list(prefix, sagemaker_session=session)) and time.monotonic() < until:
        time.sleep(1)
    files = [S3Downloader.read_file(one, sagemaker_session=session) for one in found]
    return [json.loads(line) for file in files for line in file.splitlines()]


# All of them start at the same time.
watch = DataCaptureConfig(True, 100, f"{at}/captured/before", sagemaker_session=session)
changing = deployed(built(image_uri=xgboost, s3_model_data_url=trees), "changing", data_capture_config=watch, **once)
later = deployed(
    built(image_uri=xgboost, s3_model_data_url=trees), "later", inference_config=AsyncInferenceConfig(), **once
)
asleep = deployed(
    built(image_uri=xgboost, s3_model_data_url=trees), "asleep", inference_config=ServerlessInferenceConfig(2048, 5)
)
stages = [
    made(primary_container=ContainerDefinition(image=scikit, model_data_url=scaler)),
    made(primary_container=ContainerDefinition(image=xgboost, model_data_url=scaled)),
]
piped = deployed(built(model=stages), "piped", **once)
for path, below in ((sys.argv[3], "many"), (sys.argv[4], "many/deep")):
    S3Uploader.upload(path, f"{at}/{below}", sagemaker_session=session)
shelf = made(primary_container=ContainerDefinition(image=xgboost, model_data_url=f"{at}/many/", mode="MultiModel"))
many = Endpoint.create(
    endpoint_name=unique_name_from_base("many"), endpoint_config_name=configured(shelf).endpoint_config_name
)
everything = (changing, later, asleep, piped, many)
for endpoint in everything:
    endpoint.wait_for_status("InService", poll=1, timeout=120)

# One endpoint, first of one model, then of another.
before = asked(changing, inference_id="before")
options = [CaptureOption(capture_mode="Input"), CaptureOption(capture_mode="Output")]
other = configured(
    made(primary_container=ContainerDefinition(image=xgboost, model_data_url=twice)),
    data_capture_config=CoreDataCaptureConfig(
        enable_capture=True,
        initial_sampling_percentage=100,
        destination_s3_uri=f"{at}/captured/after",
        capture_options=options,
        capture_content_type_header=CaptureContentTypeHeader(csv_content_types=["text/csv"]),
    ),
)
former = EndpointConfig.get(endpoint_config_name=changing.endpoint_config_name)
changing.endpoint_config_name = other.endpoint_config_name
updating = changing.update().endpoint_status
changing.wait_for_status("InService", poll=1, timeout=120)
former.delete()
after = asked(changing, inference_id="after")
streamed = session.sagemaker_runtime_client.invoke_endpoint_with_response_stream(
    EndpointName=changing.endpoint_name, Body=rows, ContentType="text/csv", Accept="text/csv"
)
parts = numbers(b"".join(ByteIterator(streamed["Body"])))

# Answers that come later.
source = S3Uploader.upload_string_as_file_body(rows, f"{at}/in/rows.csv", sagemaker_session=session)
wrong = S3Uploader.upload_string_as_file_body("not,numbers", f"{at}/in/wrong.csv", sagemaker_session=session)
accepted, refused = later.invoke_async(source, **csv), later.invoke_async(wrong, **csv, inference_id="wrong")
told = []
for uri in (accepted.output_location, refused.failure_location):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    waiter = session.boto_session.client("s3").get_waiter("object_exists")
    waiter.wait(Bucket=bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    told.append(S3Downloader.read_file(uri, sagemaker_session=session))

said = {
    "before": before,
    "updating": updating,
    "after": after,
    "parts": parts,
    "asynchronous": numbers(told[0].encode()),
    "failure": told[1],
    "serverless": asked(asleep),
    "piped": asked(piped),
    "many": [asked(many, target_model=name) for name in ("trees.tar.gz", "deep/twice.tar.gz")],
    "captured": [captured(f"{at}/captured/{when}") for when in ("before", "after")],
}
# What the SDK makes of the descriptions, which it checks against its models; then nothing is left.
shown = {"captures": Endpoint.get(endpoint_name=changing.endpoint_name).data_capture_config.capture_status}
for endpoint in everything:
    found = Endpoint.get(endpoint_name=endpoint.endpoint_name)
    config = EndpointConfig.get(endpoint_config_name=found.endpoint_config_name)
    model = Model.get(model_name=config.production_variants[0].model_name)
    if endpoint is asleep:
        shown["memory"] = found.production_variants[0].current_serverless_config.memory_size_in_mb
    if endpoint is later:
        shown["results"] = config.async_inference_config.output_config.s3_output_path
    if endpoint is piped:
        shown["containers"] = len(model.containers)
    if endpoint is many:
        shown["mode"] = model.primary_container.mode
    for one in (endpoint, config, model):
        one.delete()
for endpoint in everything:
    endpoint.wait_for_delete(poll=1, timeout=60)
print(json.dumps(said | {"shown": shown}))
