/** Describes what a step has made, in one shape for all kinds. */
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeHyperParameterTuningJobCommand,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  DescribeProcessingJobCommand,
  DescribeTrainingJobCommand,
  DescribeTransformJobCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { words } from "@/parts/format"
import type { Made } from "./made"

/** `uri` is a place in S3; anything else is text. */
export type Item = { name: string; uri?: string; text?: string }
export type About = { inputs: Item[]; outputs: Item[]; settings: Item[]; document: unknown }

const place = (name: string, uri: string | undefined): Item[] => (uri ? [{ name, uri }] : [])
const said = (name: string, text: string | number | undefined): Item[] =>
  text === undefined || text === "" ? [] : [{ name, text: String(text) }]
const pairs = (values: Record<string, string> | undefined): Item[] =>
  Object.entries(values ?? {}).map(([name, text]) => ({ name, text }))

export async function readMade(made: Made): Promise<About> {
  const { $metadata: _, ...document } = await described(made)
  return { ...SHAPED[made.kind](document as never), document }
}

function described({ kind, name, arn }: Made) {
  const sagemaker = aws(SageMakerClient)
  switch (kind) {
    case "ProcessingJob":
      return sagemaker.send(new DescribeProcessingJobCommand({ ProcessingJobName: name }))
    case "TrainingJob":
      return sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: name }))
    case "TuningJob":
      return sagemaker.send(new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }))
    case "TransformJob":
      return sagemaker.send(new DescribeTransformJobCommand({ TransformJobName: name }))
    case "Model":
      return sagemaker.send(new DescribeModelCommand({ ModelName: name }))
    case "RegisterModel":
      return sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: arn }))
    case "EndpointConfig":
      return sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: name }))
    case "Endpoint":
      return sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }))
  }
}

type Shaped = Omit<About, "document">
type Answer<C extends { resolveMiddleware: (...given: never[]) => unknown }> =
  ReturnType<C["resolveMiddleware"]> extends (...given: never[]) => Promise<{ output: infer O }> ? O : never

type Answers = {
  ProcessingJob: Answer<DescribeProcessingJobCommand>
  TrainingJob: Answer<DescribeTrainingJobCommand>
  TuningJob: Answer<DescribeHyperParameterTuningJobCommand>
  TransformJob: Answer<DescribeTransformJobCommand>
  Model: Answer<DescribeModelCommand>
  RegisterModel: Answer<DescribeModelPackageCommand>
  EndpointConfig: Answer<DescribeEndpointConfigCommand>
  Endpoint: Answer<DescribeEndpointCommand>
}

const SHAPED: { [K in Made["kind"]]: (of: Answers[K]) => Shaped } = {
  ProcessingJob: (of) => ({
    inputs: (of.ProcessingInputs ?? []).flatMap((one) => place(one.InputName ?? "", one.S3Input?.S3Uri)),
    outputs: (of.ProcessingOutputConfig?.Outputs ?? []).flatMap((one) =>
      place(one.OutputName ?? "", one.S3Output?.S3Uri),
    ),
    settings: [
      ...said("Image", of.AppSpecification?.ImageUri),
      ...said(
        "Command",
        [...(of.AppSpecification?.ContainerEntrypoint ?? []), ...(of.AppSpecification?.ContainerArguments ?? [])].join(
          " ",
        ),
      ),
      ...said("Instances", machines(of.ProcessingResources?.ClusterConfig)),
      ...said("Exit message", of.ExitMessage),
      ...pairs(of.Environment),
    ],
  }),
  TrainingJob: (of) => ({
    inputs: (of.InputDataConfig ?? []).flatMap((one) =>
      place(one.ChannelName ?? "", one.DataSource?.S3DataSource?.S3Uri),
    ),
    outputs: place("model", of.ModelArtifacts?.S3ModelArtifacts),
    settings: [
      ...said("Image", of.AlgorithmSpecification?.TrainingImage),
      ...said("Instances", machines(of.ResourceConfig)),
      ...pairs(of.HyperParameters),
    ],
  }),
  TuningJob: (of) => ({
    inputs: (of.TrainingJobDefinition?.InputDataConfig ?? []).flatMap((one) =>
      place(one.ChannelName ?? "", one.DataSource?.S3DataSource?.S3Uri),
    ),
    outputs: place("models", of.TrainingJobDefinition?.OutputDataConfig?.S3OutputPath),
    settings: [
      ...said("Strategy", of.HyperParameterTuningJobConfig?.Strategy),
      ...said("Best training job", of.BestTrainingJob?.TrainingJobName),
      ...said("Completed", of.TrainingJobStatusCounters?.Completed),
      ...said("In progress", of.TrainingJobStatusCounters?.InProgress),
    ],
  }),
  TransformJob: (of) => ({
    inputs: place("data", of.TransformInput?.DataSource?.S3DataSource?.S3Uri),
    outputs: place("answers", of.TransformOutput?.S3OutputPath),
    settings: [
      ...said("Model", of.ModelName),
      ...said("Instances", machines(of.TransformResources)),
      ...pairs(of.Environment),
    ],
  }),
  Model: (of) => ({
    inputs: [of.PrimaryContainer, ...(of.Containers ?? [])].flatMap((one, at) =>
      place(at > 1 ? `model ${at}` : "model", one?.ModelDataUrl),
    ),
    outputs: [],
    settings: [of.PrimaryContainer, ...(of.Containers ?? [])].flatMap((one) => said("Image", one?.Image)),
  }),
  RegisterModel: (of) => ({
    inputs: (of.InferenceSpecification?.Containers ?? []).flatMap((one, at) =>
      place(at ? `model ${at + 1}` : "model", one.ModelDataUrl),
    ),
    outputs: place("quality", of.ModelMetrics?.ModelQuality?.Statistics?.S3Uri),
    settings: [
      ...said("Group", of.ModelPackageGroupName),
      ...said("Version", of.ModelPackageVersion),
      ...said("Approval", words(of.ModelApprovalStatus)),
      ...pairs(of.CustomerMetadataProperties),
    ],
  }),
  EndpointConfig: (of) => ({
    inputs: (of.ProductionVariants ?? []).flatMap((one) => said(one.VariantName ?? "", one.ModelName)),
    outputs: place("captured data", of.DataCaptureConfig?.DestinationS3Uri),
    settings: [],
  }),
  Endpoint: (of) => ({
    inputs: said("configuration", of.EndpointConfigName),
    outputs: [],
    settings: said("Status", words(of.EndpointStatus)),
  }),
}

const machines = (of: { InstanceCount?: number; InstanceType?: string } | undefined): string | undefined =>
  of?.InstanceType && `${of.InstanceCount ?? 1} × ${of.InstanceType}`
