/** What a step has made: its ARN, where the console shows it, and where it logs. */
import type { PipelineExecutionStepMetadata } from "@aws-sdk/client-sagemaker"
import { nameOf } from "@/parts/format"

export type Kind =
  | "ProcessingJob"
  | "TrainingJob"
  | "TuningJob"
  | "TransformJob"
  | "Model"
  | "RegisterModel"
  | "EndpointConfig"
  | "Endpoint"

export type Made = { kind: Kind; arn: string; name: string; to: string | undefined; logs: Logs | undefined }
export type Logs = { group: string; prefix: string }

const JOBS: Partial<Record<Kind, { path: string; group: string }>> = {
  ProcessingJob: { path: "processing", group: "/aws/sagemaker/ProcessingJobs" },
  TrainingJob: { path: "training", group: "/aws/sagemaker/TrainingJobs" },
  TransformJob: { path: "transform", group: "/aws/sagemaker/TransformJobs" },
  // The logs of a tuning job are those of its training jobs, which have its name and more.
  TuningJob: { path: "tuning", group: "/aws/sagemaker/TrainingJobs" },
}

export function madeBy(metadata: PipelineExecutionStepMetadata | undefined): Made | undefined {
  if (!metadata) return undefined
  const arns: [Kind, string | undefined][] = [
    ["ProcessingJob", metadata.ProcessingJob?.Arn ?? metadata.QualityCheck?.CheckJobArn],
    ["TrainingJob", metadata.TrainingJob?.Arn],
    ["TuningJob", metadata.TuningJob?.Arn],
    ["TransformJob", metadata.TransformJob?.Arn],
    ["Model", metadata.Model?.Arn],
    ["RegisterModel", metadata.RegisterModel?.Arn],
    ["EndpointConfig", metadata.EndpointConfig?.Arn],
    ["Endpoint", metadata.Endpoint?.Arn],
  ]
  for (const [kind, arn] of arns) {
    if (!arn) continue
    const name = nameOf(arn)
    const job = JOBS[kind]
    const logs = job && { group: job.group, prefix: kind === "TuningJob" ? `${name}-` : `${name}/` }
    return { kind, arn, name, to: pathOf(kind, arn, name), logs }
  }
  return undefined
}

function pathOf(kind: Kind, arn: string, name: string): string | undefined {
  const job = JOBS[kind]
  if (job) return `/jobs/${job.path}/${name}`
  if (kind === "Model") return `/models/single/${name}`
  if (kind === "Endpoint") return `/endpoints/${name}`
  if (kind === "RegisterModel") {
    const [, group, version] = /:model-package\/([^/]+)\/(\d+)$/.exec(arn) ?? []
    return group && version ? `/models/${group}/${version}` : `/models/${name}`
  }
  return undefined
}

/** What the link to it says. */
export const SAID: Record<Kind, string> = {
  ProcessingJob: "Processing job",
  TrainingJob: "Training job",
  TuningJob: "Tuning job",
  TransformJob: "Transform job",
  Model: "Model",
  RegisterModel: "Model version",
  EndpointConfig: "Endpoint configuration",
  Endpoint: "Endpoint",
}
