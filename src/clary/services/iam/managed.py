"""AWS's own policies that people attach, written anew: they allow what their names promise, of what Clary serves and
will serve. Others of `arn:aws:iam::aws:policy/` can be attached too, grant nothing, and say so in the log."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

PREFIX: Final = "arn:aws:iam::aws:policy/"
_EVERY_ROLE: Final = "arn:aws:iam::*:role/*"


def _allow(*actions: str, on: str | list[str] = "*", when: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    if when is not None:
        statement["Condition"] = when
    return statement


def _all_but(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "NotAction": list(actions), "Resource": "*"}


def _pass_to(*services: str, on: str = _EVERY_ROLE) -> dict[str, Any]:
    """Roles may be handed to these services."""
    return _allow("iam:PassRole", on=on, when={"StringEquals": {"iam:PassedToService": list(services)}})


def _read(*services: str) -> dict[str, Any]:
    verbs = ("Describe*", "Get*", "List*", "BatchGet*", "Search*")
    return _allow(*(f"{service}:{verb}" for service in services for verb in verbs))


_LOGS_WRITE: Final = (
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups",
    "logs:DescribeLogStreams", "logs:GetLogEvents",
)  # fmt: skip
_LAMBDA_LOGS: Final = _allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_SAGEMAKER_S3: Final = (
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListBucket",
    "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads",
)  # fmt: skip
_NAMED_SAGEMAKER: Final = [
    "arn:aws:s3:::*SageMaker*", "arn:aws:s3:::*Sagemaker*", "arn:aws:s3:::*sagemaker*", "arn:aws:s3:::*aws-glue*",
]  # fmt: skip

_STATEMENTS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "AdministratorAccess": [_allow("*")],
    "PowerUserAccess": [
        _all_but("iam:*", "organizations:*", "account:*"),
        _allow("iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles", "iam:GetAccountSummary"),
    ],
    "ReadOnlyAccess": [
        _read(
            "application-autoscaling", "athena", "autoscaling", "cloudformation", "cloudwatch", "codebuild",
            "codecommit", "codepipeline", "dynamodb", "ecr", "events", "firehose", "glue", "iam", "kinesis", "lambda",
            "logs", "s3", "sagemaker", "sns", "sqs", "states", "sts", "tag",
        ),
        _allow(
            "logs:FilterLogEvents", "logs:StartQuery", "logs:StopQuery", "logs:StartLiveTail", "logs:TestMetricFilter",
            "cloudformation:Detect*", "cloudformation:EstimateTemplateCost", "dynamodb:Query", "dynamodb:Scan",
            "ecr:BatchCheck*", "iam:GenerateCredentialReport", "iam:Simulate*", "codecommit:GitPull", "sqs:Receive*",
            "states:ValidateStateMachineDefinition",
        ),
    ],
    "AmazonSageMakerFullAccess": [
        _allow("sagemaker:*", "sagemaker-geospatial:*"),
        _allow(
            "application-autoscaling:*", "cloudwatch:*", "logs:*", "ecr:Get*", "ecr:Describe*", "ecr:List*",
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CreateRepository", "ecr:PutImage",
            "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "glue:*", "athena:*",
            "kms:DescribeKey", "kms:ListAliases", "lambda:ListFunctions", "iam:ListRoles", "sns:ListTopics",
            "tag:GetResources", "codecommit:*", "ec2:Describe*", "events:*", "firehose:Describe*", "firehose:List*",
        ),
        _allow("lambda:InvokeFunction", on=["arn:aws:lambda:*:*:function:*sagemaker*",
                                            "arn:aws:lambda:*:*:function:*SageMaker*"]),
        _allow(*_SAGEMAKER_S3, on=_NAMED_SAGEMAKER),
        _allow("s3:GetObject", when={"StringEqualsIgnoreCase": {"s3:ExistingObjectTag/SageMaker": "true"}}),
        _allow("s3:CreateBucket", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListAllMyBuckets", "s3:GetBucketCors",
               "s3:PutBucketCORS", "s3:GetBucketAcl", "s3:PutObjectAcl"),
        _allow("iam:GetRole"),
        _pass_to("sagemaker.amazonaws.com", "glue.amazonaws.com", "robomaker.amazonaws.com", "states.amazonaws.com",
                 on="arn:aws:iam::*:role/*AmazonSageMaker*"),
        _pass_to("sagemaker.amazonaws.com"),
    ],
    "AmazonSageMakerReadOnly": [
        _allow("sagemaker:Describe*", "sagemaker:List*", "sagemaker:BatchGetMetrics", "sagemaker:GetDeviceRegistration",
               "sagemaker:GetDeviceFleetReport", "sagemaker:GetSearchSuggestions", "sagemaker:BatchGetRecord",
               "sagemaker:GetRecord", "sagemaker:Search", "sagemaker:QueryLineage", "sagemaker:GetLineageGroupPolicy",
               "sagemaker:BatchDescribeModelPackage", "sagemaker:GetModelPackageGroupPolicy"),
        _allow("application-autoscaling:Describe*", "cloudwatch:DescribeAlarms", "ecr:Describe*", "logs:DescribeLog*",
               "logs:FilterLogEvents", "logs:GetLogEvents"),
    ],
    "AmazonSageMakerPipelinesIntegrations": [
        _allow("lambda:CreateFunction", "lambda:DeleteFunction", "lambda:InvokeFunction", "lambda:UpdateFunctionCode",
               on=["arn:aws:lambda:*:*:function:*sagemaker*", "arn:aws:lambda:*:*:function:*sageMaker*",
                   "arn:aws:lambda:*:*:function:*SageMaker*"]),
        _allow("sqs:CreateQueue", "sqs:SendMessage", on=["arn:aws:sqs:*:*:*sagemaker*", "arn:aws:sqs:*:*:*SageMaker*"]),
        _pass_to("lambda.amazonaws.com", "elasticmapreduce.amazonaws.com"),
        _allow("events:DescribeRule", "events:DeleteRule", "events:PutRule", "events:PutTargets",
               "events:RemoveTargets"),
        _allow("elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:CancelSteps", "elasticmapreduce:DescribeStep",
               "elasticmapreduce:RunJobFlow", "elasticmapreduce:DescribeCluster"),
    ],
    "AmazonSageMakerModelRegistryFullAccess": [
        _allow("sagemaker:*ModelPackage*", "sagemaker:AddTags", "sagemaker:ListTags", "sagemaker:DeleteTags",
               "sagemaker:Search", "sagemaker:DescribeAction", "sagemaker:CreateModel",
               "sagemaker:CreateEndpointConfig",
               "sagemaker:CreateEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint"),
        _allow("s3:GetObject", "s3:ListBucket", on=_NAMED_SAGEMAKER),
        _allow("ecr:BatchGetImage", "ecr:DescribeImages"),
        _pass_to("sagemaker.amazonaws.com"),
    ],
    "AmazonSageMakerFeatureStoreAccess": [
        _allow("s3:PutObject", "s3:GetBucketAcl", "s3:PutObjectAcl",
               on=["arn:aws:s3:::*SageMaker*", "arn:aws:s3:::*Sagemaker*", "arn:aws:s3:::*sagemaker*"]),
        _allow("s3:GetObject", on=["arn:aws:s3:::*SageMaker*/metadata/*", "arn:aws:s3:::*Sagemaker*/metadata/*",
                                   "arn:aws:s3:::*sagemaker*/metadata/*"]),
        _allow("glue:GetTable", "glue:UpdateTable"),
    ],
    "AmazonS3FullAccess": [_allow("s3:*", "s3-object-lambda:*")],
    "AmazonS3ReadOnlyAccess": [_allow("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*")],
    "IAMFullAccess": [_allow("iam:*")],
    "IAMReadOnlyAccess": [_allow("iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*")],
    "IAMUserChangePassword": [
        _allow("iam:ChangePassword", on="arn:aws:iam::*:user/${aws:username}"),
        _allow("iam:GetAccountPasswordPolicy"),
    ],
    "CloudWatchFullAccess": [_allow("autoscaling:Describe*", "cloudwatch:*", "logs:*", "sns:*")],
    "CloudWatchReadOnlyAccess": [
        _read("cloudwatch", "logs"), _allow("logs:FilterLogEvents", "logs:StartQuery", "logs:StopQuery"),
    ],
    "CloudWatchLogsFullAccess": [_allow("logs:*")],
    "CloudWatchLogsReadOnlyAccess": [
        _read("logs"), _allow("logs:FilterLogEvents", "logs:StartQuery", "logs:StopQuery", "logs:StartLiveTail"),
    ],
    "AWSLambda_FullAccess": [
        _allow("lambda:*", "logs:Describe*", "logs:Get*", "logs:FilterLogEvents", "iam:GetRole", "iam:ListRoles",
               "iam:GetPolicy", "iam:GetRolePolicy", "states:DescribeStateMachine", "states:ListStateMachines"),
        _pass_to("lambda.amazonaws.com", on="*"),
    ],
    "AWSStepFunctionsFullAccess": [_allow("states:*"), _pass_to("states.amazonaws.com", on="*")],
    "AmazonKinesisFullAccess": [_allow("kinesis:*")],
    "AmazonKinesisFirehoseFullAccess": [_allow("firehose:*")],
    "AmazonAthenaFullAccess": [_allow("athena:*", "glue:*Database*", "glue:*Table*", "glue:*Partition*", "s3:Get*",
                                      "s3:List*", "s3:PutObject", "s3:AbortMultipartUpload", "s3:CreateBucket")],
    "AmazonEventBridgeFullAccess": [_allow("events:*", "schemas:*", "scheduler:*"), _pass_to("events.amazonaws.com")],
    "AmazonSNSFullAccess": [_allow("sns:*")],
    "AmazonSQSFullAccess": [_allow("sqs:*")],
    "AmazonEC2ContainerRegistryFullAccess": [_allow("ecr:*")],
    "AmazonEC2ContainerRegistryReadOnly": [
        _allow("ecr:Get*", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability", "ecr:Describe*", "ecr:List*"),
    ],
    "AmazonEC2ContainerRegistryPowerUser": [
        _allow("ecr:Get*", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability", "ecr:Describe*", "ecr:List*",
               "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"),
    ],
    "AWSCodeCommitFullAccess": [_allow("codecommit:*")],
    "AWSCodeCommitPowerUser": [
        _allow("codecommit:*"),
        {"Effect": "Deny", "Action": "codecommit:DeleteRepository", "Resource": "*"},
    ],
    "AWSCodePipeline_FullAccess": [_allow("codepipeline:*"), _pass_to("codepipeline.amazonaws.com")],
    "AWSCodeBuildAdminAccess": [_allow("codebuild:*", "logs:Get*", "logs:Describe*")],
    "AWSCodeBuildDeveloperAccess": [
        _allow("codebuild:StartBuild*", "codebuild:StopBuild*", "codebuild:BatchGet*", "codebuild:Get*",
               "codebuild:List*", "logs:GetLogEvents"),
    ],
    "AWSCloudFormationFullAccess": [_allow("cloudformation:*")],
    "AWSGlueConsoleFullAccess": [_allow("glue:*", "s3:List*", "s3:Get*"), _pass_to("glue.amazonaws.com", on="*")],
    "ResourceGroupsandTagEditorFullAccess": [_allow("tag:*", "resource-groups:*", "sagemaker:AddTags",
                                                    "sagemaker:DeleteTags", "s3:PutBucketTagging", "logs:TagResource")],
    "ResourceGroupsandTagEditorReadOnlyAccess": [_allow("tag:Get*", "resource-groups:Get*", "resource-groups:List*")],
    "service-role/AWSLambdaBasicExecutionRole": [_LAMBDA_LOGS],
    "service-role/AWSLambdaVPCAccessExecutionRole": [_LAMBDA_LOGS],
    "service-role/AWSLambdaRole": [_allow("lambda:InvokeFunction")],
    "service-role/AWSLambdaSQSQueueExecutionRole": [
        _LAMBDA_LOGS, _allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    ],
    "service-role/AWSLambdaKinesisExecutionRole": [
        _LAMBDA_LOGS, _allow("kinesis:Describe*", "kinesis:Get*", "kinesis:List*", "kinesis:SubscribeToShard"),
    ],
    "service-role/AWSGlueServiceRole": [
        _allow("glue:*", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListAllMyBuckets", "s3:GetBucketAcl",
               "iam:ListRolePolicies", "iam:GetRole", "iam:GetRolePolicy", "cloudwatch:PutMetricData"),
        _allow("s3:CreateBucket", on="arn:aws:s3:::aws-glue-*"),
        _allow("s3:GetObject", "s3:PutObject", "s3:DeleteObject",
               on=["arn:aws:s3:::aws-glue-*/*", "arn:aws:s3:::*/*aws-glue-*/*"]),
        _allow("s3:GetObject", on=["arn:aws:s3:::crawler-public*", "arn:aws:s3:::aws-glue-*"]),
        _allow(*_LOGS_WRITE, on="arn:aws:logs:*:*:*:/aws-glue/*"),
        _allow(*_LOGS_WRITE, on="arn:aws:logs:*:*:log-group:/aws-glue/*"),
    ],
    "service-role/AmazonSageMakerServiceCatalogProductsUseRole": [
        _allow("sagemaker:*", "cloudformation:*", "codebuild:*", "codecommit:*", "codepipeline:*", "ecr:*", "events:*",
               "glue:*", "lambda:*", "logs:*", "states:*", "firehose:*"),
        _allow("s3:*", on="arn:aws:s3:::sagemaker-*"),
        _allow("iam:PassRole", on="arn:aws:iam::*:role/service-role/AmazonSageMakerServiceCatalogProducts*"),
    ],
    "service-role/AmazonSageMakerPartnerServiceCatalogProductsUseRole": [
        _allow("sagemaker:*", on="*"), _allow("s3:*", on="arn:aws:s3:::sagemaker-*"),
    ],
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs": [_allow(*_LOGS_WRITE, "logs:FilterLogEvents")],
    "service-role/AWSConfigRole": [_read("s3", "iam", "lambda", "logs", "sagemaker")],
    "aws-service-role/AWSApplicationAutoscalingSageMakerEndpointPolicy": [
        _allow("sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig",
               "sagemaker:UpdateEndpointWeightsAndCapacities", "sagemaker:DescribeInferenceComponent",
               "sagemaker:UpdateInferenceComponentRuntimeConfig", "cloudwatch:PutMetricAlarm",
               "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms", "cloudwatch:GetMetricData"),
    ],
    "aws-service-role/AmazonSageMakerNotebooksServiceRolePolicy": [_allow("sagemaker:*App*", "sagemaker:*Notebook*")],
}  # fmt: skip


DOCUMENTS: Final[Mapping[str, str]] = {
    PREFIX + name: orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()
    for name, statements in _STATEMENTS.items()
}
"""The document of each policy of AWS that is known here, by ARN."""
