"""boto3, any version: s3 with a large object, sagemaker with a training job, its logs, sts; no endpoint is named."""

import hashlib
import io
import json
import os
import sys
import tarfile
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

role = sys.argv[1]
session = boto3.Session()
identity = session.client("sts").get_caller_identity()
account, region = identity["Account"], session.region_name
bucket = f"sagemaker-plain-{boto3.__version__.replace('.', '-')}"

s3 = session.client("s3")
s3.create_bucket(Bucket=bucket)
big = os.urandom(20_000_000)
s3.upload_fileobj(io.BytesIO(big), bucket, "big folder/big ä.bin")
s3.put_object(Bucket=bucket, Key="train/train.csv", Body=b"1,0.9\n0,0.1\n1,0.8\n0,0.2\n" * 50)
copy = io.BytesIO()
s3.download_fileobj(bucket, "big folder/big ä.bin", copy)
same = hashlib.sha256(copy.getvalue()).digest() == hashlib.sha256(big).digest()
resource = session.resource("s3").Bucket(bucket)
keys = [one.key for one in resource.objects.all()]
url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "train/train.csv"})
with urllib.request.urlopen(url) as answer:
    presigned = len(answer.read())
try:
    s3.head_object(Bucket=bucket, Key="none")
    missing = None
except ClientError as error:
    missing = error.response["Error"]["Code"]

sagemaker = session.client("sagemaker")
job = f"plain-{int(time.time() * 1000)}"
sagemaker.create_training_job(
    TrainingJobName=job,
    AlgorithmSpecification={
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "TrainingInputMode": "File",
    },
    RoleArn=role,
    HyperParameters={"objective": "binary:logistic", "num_round": "5"},
    InputDataConfig=[
        {
            "ChannelName": "train",
            "ContentType": "csv",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": f"s3://{bucket}/train/",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
    ],
    OutputDataConfig={"S3OutputPath": f"s3://{bucket}/output"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    StoppingCondition={"MaxRuntimeInSeconds": 600},
)
waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
waiter.wait(TrainingJobName=job, WaiterConfig={"Delay": 1, "MaxAttempts": 90})
described = sagemaker.describe_training_job(TrainingJobName=job)
artifact = described["ModelArtifacts"]["S3ModelArtifacts"]
body = s3.get_object(Bucket=bucket, Key=artifact.split("/", 3)[3])["Body"].read()
with tarfile.open(fileobj=io.BytesIO(body)) as archive:
    members = archive.getnames()

logs = session.client("logs")
group = "/aws/sagemaker/TrainingJobs"
streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)[
    "events"
]

listed = [one["TrainingJobName"] for one in sagemaker.list_training_jobs(NameContains=job)["TrainingJobSummaries"]]
resource.objects.all().delete()
resource.delete()

print(
    json.dumps(
        {
            "version": boto3.__version__,
            "account": account,
            "arn": identity["Arn"],
            "region": region,
            "same": same,
            "keys": keys,
            "presigned": presigned,
            "missing": missing,
            "status": described["TrainingJobStatus"],
            "members": members,
            "lines": len(events),
            "listed": listed == [job],
        }
    )
)
