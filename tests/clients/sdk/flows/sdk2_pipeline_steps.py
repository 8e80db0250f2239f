"""sagemaker 2.x: pipelines that tune, serve the best model, repack one, wait for a callback, and are stopped.

python sdk2_pipeline_steps.py <rows as csv, the label first>"""

import io
import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import boto3
import sagemaker
from sagemaker import get_execution_role, image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.processing import ProcessingOutput
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep, TuningStep

session = PipelineSession()
plain = sagemaker.Session()
role = get_execution_role(plain)
bucket = session.default_bucket()
client, sqs, s3 = (boto3.client(name) for name in ("sagemaker", "sqs", "s3"))
place = Path(__file__).parent / "pipeline"
data = plain.upload_data(sys.argv[1], bucket=bucket, key_prefix="steps2/raw")
xgboost = image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1")
machine = {"instance_count": 1, "instance_type": "ml.m5.large"}


def tuned():
    estimator = Estimator(
        image_uri=xgboost,
        role=role,
        output_path=f"s3://{bucket}/steps2/tuned",
        sagemaker_session=session,
        **machine,
    )
    estimator.set_hyperparameters(objective="reg:squarederror", num_round=5)
    tuner = HyperparameterTuner(
        estimator,
        objective_metric_name="validation:rmse",
        objective_type="Minimize",
        hyperparameter_ranges={"eta": ContinuousParameter(0.1, 0.9)},
        max_jobs=2,
        max_parallel_jobs=2,
    )
    inputs = {name: TrainingInput(data, content_type="text/csv") for name in ("train", "validation")}
    tune = TuningStep("Tune", step_args=tuner.fit(inputs))
    best = Model(
        image_uri=xgboost,
        model_data=tune.get_top_model_s3_uri(0, bucket, "steps2/tuned"),
        role=role,
        sagemaker_session=session,
    )
    model = ModelStep("Best", step_args=best.create(instance_type="ml.m5.large"))
    config = EndpointConfigStep(
        "Config",
        step_args=session.create_endpoint_config(
            name="steps2-config",
            model_name=model.properties.ModelName,
            initial_instance_count=1,
            instance_type="ml.m5.large",
        ),
    )
    served = EndpointStep(
        "Serve",
        step_args=session.create_endpoint(
            endpoint_name="steps2", config_name=config.properties.EndpointConfigName, wait=False
        ),
    )
    return Pipeline("Tuned2", steps=[tune, model, config, served], sagemaker_session=session)


def repacked():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        told = tarfile.TarInfo("sum.json")
        body = b'{"sum": 5}'
        told.size = len(body)
        archive.addfile(told, io.BytesIO(body))
    s3.put_object(Bucket=bucket, Key="steps2/sum/model.tar.gz", Body=packed.getvalue())
    where = ParameterString("Artifact", default_value=f"s3://{bucket}/steps2/sum/model.tar.gz")
    # The SDK puts its script for repacking beside the source.
    source = tempfile.mkdtemp()
    shutil.copy(place / "inference.py", source)
    model = Model(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1"),
        model_data=where,
        role=role,
        entry_point="inference.py",
        source_dir=source,
        sagemaker_session=session,
    )
    step = ModelStep(
        "Sum",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["application/json"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="sum2",
        ),
    )
    return Pipeline("Repacked2", parameters=[where], steps=[step], sagemaker_session=session)


def called_back(name, url):
    ask = CallbackStep(
        "Ask",
        sqs_queue_url=url,
        inputs={"question": "how much", "number": 5},
        outputs=[
            CallbackOutput("answer", CallbackOutputTypeEnum.String),
            CallbackOutput("count", CallbackOutputTypeEnum.Integer),
        ],
    )
    processor = SKLearnProcessor(
        framework_version="1.2-1", role=role, base_job_name="say", sagemaker_session=session, **machine
    )
    say = ProcessingStep(
        "Say",
        step_args=processor.run(
            code=str(place / "say.py"),
            arguments=[ask.properties.Outputs["answer"], ask.properties.Outputs["count"].to_string()],
            outputs=[ProcessingOutput(output_name="said", source="/opt/ml/processing/said")],
        ),
    )
    return Pipeline(name, steps=[ask, say], sagemaker_session=session)


def message(url):
    for _ in range(30):
        for one in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            return json.loads(one["Body"])
    raise TimeoutError(url)


def started(pipeline):
    pipeline.upsert(role_arn=role)
    return pipeline.start()


def steps(execution):
    return {one["StepName"]: one for one in execution.list_steps()}


tuning, packing = started(tuned()), started(repacked())
queues = [sqs.create_queue(QueueName=f"steps2-{name}")["QueueUrl"] for name in ("asked", "stopped")]
asking, stopping = (started(called_back(name, url)) for name, url in zip(("Asked2", "Stopped2"), queues, strict=True))

asked = message(queues[0])
waiting = steps(asking)["Ask"]
client.send_pipeline_execution_step_success(
    CallbackToken=asked["token"],
    OutputParameters=[{"Name": "answer", "Value": "this much"}, {"Name": "count", "Value": "7"}],
)
try:
    client.send_pipeline_execution_step_failure(CallbackToken=asked["token"], FailureReason="late")
    twice = ""
except client.exceptions.ConflictException as error:
    twice = error.response["Error"]["Code"]

first = message(queues[1])
stopping.stop()
last = message(queues[1])
client.send_pipeline_execution_step_failure(CallbackToken=last["token"], FailureReason="as you wish")

for execution in (asking, packing, tuning):
    try:
        execution.wait(delay=1, max_attempts=200)
    except Exception:
        print(json.dumps([execution.list_steps(), execution.describe()], default=str), file=sys.stderr)
        raise
try:
    stopping.wait(delay=1, max_attempts=60)
except Exception as error:
    print(error, file=sys.stderr)

said = steps(asking)
output = client.describe_processing_job(
    ProcessingJobName=said["Say"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
)["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
package = client.describe_model_package(
    ModelPackageName=steps(packing)["Sum-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
)
artifact = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
with tarfile.open(fileobj=io.BytesIO(sagemaker.s3.S3Downloader.read_bytes(artifact, plain))) as archive:
    members = sorted(one.name for one in archive if one.isfile())
tunes = steps(tuning)
job = client.describe_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=tunes["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
)
model = client.describe_model(ModelName=tunes["Best-CreateModel"]["Metadata"]["Model"]["Arn"].rpartition("/")[2])
answer = Predictor("steps2", sagemaker_session=plain, serializer=CSVSerializer()).predict("0.5,0.5,0.5,0.5")
client.delete_endpoint(EndpointName="steps2")

print(
    json.dumps(
        {
            "asked": {name: asked[name] for name in ("arguments", "status", "pipelineExecutionArn")},
            "execution": asking.arn,
            "waiting": [waiting["StepStatus"], waiting["Metadata"]["Callback"]["CallbackToken"] == asked["token"]],
            "twice": twice,
            "outputs": said["Ask"]["Metadata"]["Callback"]["OutputParameters"],
            "said": sagemaker.s3.S3Downloader.read_file(f"{output}/said.txt", plain),
            "messages": [first["status"], last["status"], first["token"] == last["token"]],
            "stopped": [stopping.describe()["PipelineExecutionStatus"], steps(stopping)["Ask"]["StepStatus"]],
            "packed": {name: one["StepStatus"] for name, one in steps(packing).items()},
            "members": members,
            "tuned": {name: one["StepStatus"] for name, one in tunes.items()},
            "best": job["BestTrainingJob"]["TrainingJobName"],
            "served": model["PrimaryContainer"]["ModelDataUrl"],
            "answer": float(answer.decode()),
        }
    )
)
