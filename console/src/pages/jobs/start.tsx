/** What to do where there is no job yet: a few lines to copy, and the examples. */
import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { endpoint, region } from "@/aws/place"
import { Code } from "@/parts/copy"
import { To } from "@/shell/link"
import type { Kind } from "./reads"

const CLIENT = (service: string) =>
  `import boto3

${service} = boto3.client("${service}", endpoint_url="${endpoint()}", region_name="${region()}")
`

const SNIPPETS: Record<Kind | "glue", string> = {
  training: `${CLIENT("sagemaker")}
sagemaker.create_training_job(
    TrainingJobName="first",
    RoleArn=ROLE,  # a role that sagemaker.amazonaws.com may assume
    AlgorithmSpecification={
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "TrainingInputMode": "File",
    },
    HyperParameters={"num_round": "50", "objective": "reg:squarederror"},
    InputDataConfig=[{
        "ChannelName": "train", "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://BUCKET/train/"}},
    }],
    OutputDataConfig={"S3OutputPath": "s3://BUCKET/models"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    StoppingCondition={"MaxRuntimeInSeconds": 3600},
)`,
  processing: `${CLIENT("sagemaker")}
place = "/opt/ml/processing"
sagemaker.create_processing_job(
    ProcessingJobName="first",
    RoleArn=ROLE,  # a role that sagemaker.amazonaws.com may assume
    AppSpecification={
        "ImageUri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        "ContainerEntrypoint": ["python3", f"{place}/code/prepare.py"],
    },
    ProcessingInputs=[{"InputName": "code", "S3Input": {
        "S3Uri": "s3://BUCKET/code/prepare.py", "LocalPath": f"{place}/code",
        "S3DataType": "S3Prefix", "S3InputMode": "File",
    }}],
    ProcessingOutputConfig={"Outputs": [{"OutputName": "train", "S3Output": {
        "S3Uri": "s3://BUCKET/prepared", "LocalPath": f"{place}/output", "S3UploadMode": "EndOfJob",
    }}]},
    ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}},
)`,
  transform: `${CLIENT("sagemaker")}
sagemaker.create_transform_job(
    TransformJobName="first",
    ModelName="MODEL",  # of create_model, or deployed from a model package
    TransformInput={
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://BUCKET/in/"}},
        "ContentType": "text/csv", "SplitType": "Line",
    },
    TransformOutput={"S3OutputPath": "s3://BUCKET/out", "AssembleWith": "Line"},
    TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
)`,
  tuning: `${CLIENT("sagemaker")}
sagemaker.create_hyper_parameter_tuning_job(
    HyperParameterTuningJobName="first",
    HyperParameterTuningJobConfig={
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"ContinuousParameterRanges": [
            {"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"},
        ]},
    },
    TrainingJobDefinition={...},  # as of create_training_job, with StaticHyperParameters
)`,
  glue: `${CLIENT("glue")}
glue.create_job(
    Name="first",
    Role=ROLE,  # a role that glue.amazonaws.com may assume
    Command={"Name": "pythonshell", "ScriptLocation": "s3://BUCKET/scripts/first.py", "PythonVersion": "3.9"},
)
glue.start_job_run(JobName="first")`,
}

export function Start({ kind }: { kind: Kind | "glue" }) {
  return (
    <SpaceBetween size="s">
      <Box margin={{ top: "s" }}>
        Start one of the <To to="/examples">examples</To>, or copy this with your own names:
      </Box>
      <div className="clary-job-start">
        <Code text={SNIPPETS[kind]} label="boto3" />
      </div>
    </SpaceBetween>
  )
}
