"""Jobs of all three kinds on a real server, asked for in few words."""

import io
import json
import tarfile
from typing import Any

from tests.real import TRUST, RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST

Doc = dict[str, Any]

CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
PLACE = "/opt/ml/processing"
ENDS = ("Completed", "Failed", "Stopped")


def archive(*members: tuple[str, bytes | str]) -> bytes:
    """A `.tar.gz` of files (bytes) and symbolic links (where they lead)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


class Jobs:
    """The bucket "lake" of a server, a role "job" that may do everything there, and jobs on them."""

    def __init__(self, server: RealClary) -> None:
        self.server = server
        self.sagemaker, self.s3, self.iam = server.client("sagemaker"), server.client("s3"), server.client("iam")
        self.s3.create_bucket(Bucket="lake")
        self.put("data/a.csv", b"1,2,3\n0,1,1\n" * 20)
        self.role = server.role("job")

    def put(self, key: str, body: bytes) -> str:
        """The URI of the object."""
        self.s3.put_object(Bucket="lake", Key=key, Body=body)
        return f"s3://lake/{key}"

    def role_of(self, name: str, **allowed: str) -> str:
        """A role that may do each action of S3 on its resource of the bucket; "lake" itself is the resource ""."""
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        statements = [
            {"Effect": "Allow", "Action": f"s3:{action}", "Resource": f"arn:aws:s3:::lake{resource}"}
            for action, resource in allowed.items()
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return arn

    def train(self, name: str, **more: Any) -> None:
        """A training job of XGBoost, but for the members of the request in `more`."""
        self.sagemaker.create_training_job(
            **{
                "TrainingJobName": name,
                "RoleArn": self.role,
                "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
                "HyperParameters": {"num_round": "1"},
                "InputDataConfig": [channel("s3://lake/data/")],
                "OutputDataConfig": {"S3OutputPath": "s3://lake/out"},
                "ResourceConfig": CLUSTER,
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                **more,
            }
        )

    def train_script(self, name: str, source: bytes | str, **more: Any) -> None:
        """A training job that runs train.py of its source: a program, or the archive that it comes in."""
        packed = source if isinstance(source, bytes) else archive(("train.py", source.encode()))
        uri = self.put(f"code/{name}.tar.gz", packed)
        given = {"sagemaker_program": "train.py", "sagemaker_submit_directory": uri}
        algorithm = {"TrainingImage": SKLEARN, "TrainingInputMode": "File"}
        self.train(
            name,
            **{
                "AlgorithmSpecification": algorithm,
                "HyperParameters": given,
                "InputDataConfig": [channel("s3://lake/data/", "data")],
            }
            | more,
        )

    def process(self, name: str, script: bytes | str = "", uri: str = "", **more: Any) -> None:
        """A processing job that runs the script with the input at `uri`."""
        code = self.put(f"code/{name}.py", script.encode() if isinstance(script, str) else script)
        given = [entry("code", {"S3Uri": code})]
        if uri:
            manifest = {"S3DataType": "ManifestFile"} if uri.endswith(".manifest") else {}
            given.append(entry("data", {"S3Uri": uri, **manifest}))
        out = {"S3Uri": f"s3://lake/out/{name}", "LocalPath": f"{PLACE}/output", "S3UploadMode": "EndOfJob"}
        app = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", f"{PLACE}/code/{name}.py"]}
        self.sagemaker.create_processing_job(
            **{
                "ProcessingJobName": name,
                "RoleArn": self.role,
                "AppSpecification": app,
                "ProcessingResources": {"ClusterConfig": CLUSTER},
                "ProcessingInputs": given,
                "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": out}]},
                **more,
            }
        )

    def transform(
        self, name: str, model: bytes | str, uri: str = "s3://lake/data/", image: str = SKLEARN, **more: Any
    ) -> None:
        """A transform job over a model: its archive, or the program that serves it."""
        packed = model if isinstance(model, bytes) else archive(("code/inference.py", model.encode()))
        container = {"Image": image, "ModelDataUrl": self.put(f"models/{name}.tar.gz", packed)}
        role = more.pop("RoleArn", self.role)
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        kind = "ManifestFile" if uri.endswith(".manifest") else "S3Prefix"
        source = {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=name,
            TransformInput={"DataSource": source, "ContentType": "text/csv"},
            TransformOutput={"S3OutputPath": f"s3://lake/out/{name}"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        )

    def ended(self, kind: str, name: str, seconds: float = 90.0) -> Doc:
        """What Describe says of the job (kind: Training, Processing, Transform) at its end."""

        def look() -> Doc | None:
            describe = getattr(self.sagemaker, f"describe_{kind.lower()}_job")
            said: Doc = describe(**{f"{kind}JobName": name})
            return said if said[f"{kind}JobStatus"] in ENDS else None

        found: Doc = until(look, seconds, f"the job {name} ends")
        return found


def channel(uri: str, name: str = "train", **more: Any) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, **more}
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}


def entry(name: str, source: Doc) -> Doc:
    local = {"LocalPath": f"{PLACE}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**local, **source}}
