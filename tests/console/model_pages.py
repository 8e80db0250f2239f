"""A real endpoint of cars, and pages for it as boto3 makes them."""

import io
import json
import tarfile
from contextlib import suppress
from typing import Any

from clary import app_roles
from clary.cli.demo import car
from clary.cli.demo.shared import XGBOOST_IMAGE
from tests.real import RealClary, until

BUCKET = "pages"
CODES = {name: {word: code for code, word in enumerate(words)} for name, words in car.ATTRIBUTES.items()}
"""The number that the model knows for each word."""
EXAMPLE = {"buying": "low", "maint": "low", "doors": "4", "persons": "more", "lug_boot": "big", "safety": "high"}
DOCUMENT: dict[str, Any] = {
    "title": "Is this car worth its price?",
    "description": "Six facts about a car, and the model says how acceptable it is.",
    "contentType": "text/csv",
    "accept": "text/csv",
    "input": {
        "type": "object",
        "properties": {
            name: {
                "title": name.replace("_", " ").capitalize(),
                "oneOf": [{"const": code, "title": word} for word, code in codes.items()],
            }
            for name, codes in CODES.items()
        },
        "required": list(CODES),
    },
    "output": {"kind": "classes", "labels": list(car.CLASSES)},
    "examples": [
        {
            "title": "A safe family car",
            "values": {name: CODES[name][word] for name, word in EXAMPLE.items()},
            "expected": car.label(tuple(EXAMPLE.values())),
        },
        {"title": "A wrong expectation", "values": dict.fromkeys(CODES, 0), "expected": "vgood"},
    ],
}


def codes(row: tuple[str, ...]) -> list[int]:
    return [CODES[name][word] for name, word in zip(CODES, row, strict=True)]


def booster() -> bytes:
    """model.tar.gz: trained on all cars, with a probability for each class."""
    import numpy
    import xgboost

    rows = list(car.rows())
    known = numpy.array([car.CLASSES.index(car.label(row)) for row in rows])
    data = xgboost.DMatrix(numpy.array([codes(row) for row in rows], dtype=float), label=known)
    options = {"objective": "multi:softprob", "num_class": len(car.CLASSES), "max_depth": 6, "nthread": 1, "seed": 7}
    saved = bytes(xgboost.train(options, data, 30).save_raw("ubj"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("xgboost-model")
        member.size = len(saved)
        archive.addfile(member, io.BytesIO(saved))
    return packed.getvalue()


def endpoint(server: RealClary, name: str = "cars", *, package: bool = False) -> str:
    """In service. `package`: by a model package that says where the page's document is."""
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=booster())
    s3.put_object(Bucket=BUCKET, Key=f"{name}/page.json", Body=json.dumps(DOCUMENT).encode())
    container: dict[str, Any] = {
        "Image": XGBOOST_IMAGE.format(region="us-east-1"),
        "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz",
    }
    if package:
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={"Containers": [container], **types},
            CustomerMetadataProperties={app_roles.PAGE_PROPERTY: f"s3://{BUCKET}/{name}/page.json"},
        )["ModelPackageArn"]
        container = {"ModelPackageName": arn}
    role = server.role(f"serves-{name}")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService", 60, name)
    return name


def page(server: RealClary, name: str, *, token: str = "", rate: int = 600, document: bool = True) -> str:
    """The URL of the endpoint's page, made or changed. `token`: who has it may ask; "": everybody may."""
    iam = server.client("iam")
    role, uri = app_roles.role_name(name), f"s3://{BUCKET}/{name}/page.json" if document else None
    arn = server.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointArn"]
    tags = {
        app_roles.TAG_ENDPOINT: name,
        app_roles.TAG_REGION: "us-east-1",
        app_roles.TAG_ACCESS: "token" if token else "public",
        app_roles.TAG_RATE: str(rate),
        **({app_roles.TAG_TOKEN: app_roles.digest(token)} if token else {}),
        **({app_roles.TAG_DOCUMENT: uri} if uri else {}),
    }
    gone(server, name)
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    iam.create_role(RoleName=role, Path=app_roles.PATH, AssumeRolePolicyDocument=app_roles.trust(), Tags=listed)
    iam.put_role_policy(RoleName=role, PolicyName=app_roles.POLICY, PolicyDocument=app_roles.grant(arn, uri))
    return f"{server.url}/apps/{name}"


def gone(server: RealClary, name: str) -> None:
    iam, role = server.client("iam"), app_roles.role_name(name)
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role_policy(RoleName=role, PolicyName=app_roles.POLICY)
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role(RoleName=role)
