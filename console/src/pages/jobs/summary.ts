/** What a list says of a job beyond its status: what runs, on what machines, and what came of it. */
import type {
  DescribeHyperParameterTuningJobResponse,
  DescribeProcessingJobResponse,
  DescribeTrainingJobResponse,
  DescribeTransformJobResponse,
} from "@aws-sdk/client-sagemaker"
import { number } from "@/parts/format"
import { imageInWords, plain } from "./images"

export type Summary = { what: string; machines: string; result?: { name: string; value: string }; why?: string }

const machines = (type: string | undefined, count: number | undefined): string =>
  type ? `${count ?? 1} × ${type}` : "–"

const lastOf = (path: string | undefined): string | undefined => path?.split("/").at(-1)

export function ofTraining(job: DescribeTrainingJobResponse): Summary {
  const image = imageInWords(job.AlgorithmSpecification?.TrainingImage)
  const program = plain(job.HyperParameters?.sagemaker_program)
  const metric = finalMetric(job)
  return {
    what: program ? `${image} · ${lastOf(program)}` : image,
    machines: machines(job.ResourceConfig?.InstanceType, job.ResourceConfig?.InstanceCount),
    ...(metric ? { result: { name: metric.name, value: number(metric.value) } } : {}),
    ...(job.FailureReason ? { why: job.FailureReason } : {}),
  }
}

/** The one value that says most: the tuned objective, else the last one of validation, else the first told. */
export function finalMetric(job: DescribeTrainingJobResponse): { name: string; value: number } | undefined {
  const told = (job.FinalMetricDataList ?? []).flatMap((one) =>
    one.MetricName && one.Value !== undefined ? [{ name: one.MetricName, value: one.Value }] : [],
  )
  const wanted = plain(job.HyperParameters?._tuning_objective_metric)
  return told.find((one) => one.name === wanted) ?? told.find((one) => /^(valid|test|eval)/i.test(one.name)) ?? told[0]
}

export function ofProcessing(job: DescribeProcessingJobResponse): Summary {
  const image = imageInWords(job.AppSpecification?.ImageUri)
  const said = [
    ...(job.AppSpecification?.ContainerEntrypoint ?? []),
    ...(job.AppSpecification?.ContainerArguments ?? []),
  ]
  const program = said.find((word) => /\.(py|sh|r|jar)$/i.test(word))
  const cluster = job.ProcessingResources?.ClusterConfig
  return {
    what: program ? `${image} · ${lastOf(program)}` : image,
    machines: machines(cluster?.InstanceType, cluster?.InstanceCount),
    ...(job.FailureReason ? { why: job.FailureReason } : {}),
  }
}

export function ofTransform(job: DescribeTransformJobResponse): Summary {
  return {
    what: job.ModelName ?? "–",
    machines: machines(job.TransformResources?.InstanceType, job.TransformResources?.InstanceCount),
    ...(job.FailureReason ? { why: job.FailureReason } : {}),
  }
}

export function ofTuning(job: DescribeHyperParameterTuningJobResponse): Summary {
  const definition = job.TrainingJobDefinition ?? job.TrainingJobDefinitions?.[0]
  const best = job.BestTrainingJob?.FinalHyperParameterTuningJobObjectiveMetric
  const resources = definition?.ResourceConfig
  return {
    what: imageInWords(definition?.AlgorithmSpecification?.TrainingImage),
    machines: machines(resources?.InstanceType, resources?.InstanceCount),
    ...(best?.Value !== undefined ? { result: { name: best.MetricName ?? "", value: number(best.Value) } } : {}),
    ...(job.FailureReason ? { why: job.FailureReason } : {}),
  }
}
