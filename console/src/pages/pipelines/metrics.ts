/** Numbers that a step has come to: those of its property files, and the last metrics of its training job. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import {
  DescribeHyperParameterTuningJobCommand,
  DescribeProcessingJobCommand,
  DescribeTrainingJobCommand,
  type PipelineExecutionStep,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { nameOf } from "@/parts/format"
import { parseS3 } from "@/parts/s3"
import type { Step } from "./definition"

export type Metric = { name: string; value: number }
export type Report = { name: string; uri: string; document: unknown; metrics: Metric[] }

const MOST_BYTES = 1 << 20

/** Every number in the document, named by the way to it; `{a: {value: 1}}` is a = 1. */
export function numbersIn(document: unknown, way: readonly string[] = []): Metric[] {
  if (typeof document === "number") {
    const named = way.length > 1 && way.at(-1) === "value" ? way.slice(0, -1) : way
    return [{ name: named.join(".") || "value", value: document }]
  }
  if (typeof document !== "object" || document === null) return []
  return Object.entries(document).flatMap(([name, one]) => numbersIn(one, [...way, name]))
}

/** A JSON document of S3. Throws where it is missing, too long, or no JSON. */
export async function documentAt(uri: string): Promise<unknown> {
  const place = parseS3(uri)
  if (!place) throw new Error(`${uri} is no S3 URI.`)
  const found = await aws(S3Client).send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key }))
  if ((found.ContentLength ?? 0) > MOST_BYTES) throw new Error(`${uri} is longer than 1 MiB.`)
  return JSON.parse((await found.Body?.transformToString()) ?? "null")
}

/** The step's property files that are there. */
export async function reportsOf(step: Step, listed: PipelineExecutionStep | undefined): Promise<Report[]> {
  const arn = listed?.Metadata?.ProcessingJob?.Arn
  if (!arn || !step.files.length) return []
  const job = await aws(SageMakerClient).send(new DescribeProcessingJobCommand({ ProcessingJobName: nameOf(arn) }))
  const outputs = job.ProcessingOutputConfig?.Outputs ?? []
  const reports = step.files.map(async ({ name, output, path }) => {
    const folder = outputs.find((one) => one.OutputName === output)?.S3Output?.S3Uri
    if (!folder) return []
    const uri = `${folder.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}`
    try {
      const document = await documentAt(uri)
      return [{ name, uri, document, metrics: numbersIn(document) }]
    } catch (error) {
      // A step that failed, or still runs, has not left it yet.
      if (isMissing(error)) return []
      throw error
    }
  })
  return (await Promise.all(reports)).flat()
}

/** What its training or tuning job says at its end. */
export async function finalMetrics(listed: PipelineExecutionStep | undefined): Promise<Metric[]> {
  const { TrainingJob, TuningJob } = listed?.Metadata ?? {}
  if (TrainingJob?.Arn) {
    const job = await aws(SageMakerClient).send(
      new DescribeTrainingJobCommand({ TrainingJobName: nameOf(TrainingJob.Arn) }),
    )
    return (job.FinalMetricDataList ?? []).flatMap(({ MetricName, Value }) =>
      MetricName !== undefined && Value !== undefined ? [{ name: MetricName, value: Value }] : [],
    )
  }
  if (TuningJob?.Arn) {
    const job = await aws(SageMakerClient).send(
      new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: nameOf(TuningJob.Arn) }),
    )
    const best = job.BestTrainingJob?.FinalHyperParameterTuningJobObjectiveMetric
    return best?.MetricName && best.Value !== undefined ? [{ name: `best ${best.MetricName}`, value: best.Value }] : []
  }
  return []
}

/** All numbers of the step; none where it has left none. */
export async function metricsOf(step: Step, listed: PipelineExecutionStep | undefined): Promise<Metric[]> {
  const [reports, last] = await Promise.all([reportsOf(step, listed), finalMetrics(listed)])
  return [...reports.flatMap((one) => one.metrics), ...last]
}
