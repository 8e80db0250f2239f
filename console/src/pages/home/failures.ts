/** What failed last, and why. A reason does not change any more, so each is read once. */
import type { JobRun } from "@aws-sdk/client-glue"
import {
  DescribeEndpointCommand,
  DescribeHyperParameterTuningJobCommand,
  DescribeProcessingJobCommand,
  DescribeTrainingJobCommand,
  DescribeTransformJobCommand,
  type EndpointSummary,
  ListHyperParameterTuningJobsCommand,
  ListPipelineExecutionStepsCommand,
  ListProcessingJobsCommand,
  ListTrainingJobsCommand,
  ListTransformJobsCommand,
  type PipelineExecution,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { nameOf } from "@/parts/format"
import { gluePath, runPath } from "./running"

export type Failure = { kind: string; name: string; to: string; arn: string; when?: Date; why: string }
type Seen = Omit<Failure, "why"> & { reason: () => Promise<Reason> }
/** `job`: what failed within it, which is not told a second time. */
type Reason = { why: string; job?: string }

export const MOST_SHOWN = 8
const FAILED = {
  StatusEquals: "Failed",
  SortBy: "CreationTime",
  SortOrder: "Descending",
  MaxResults: MOST_SHOWN,
} as const

const reasons = new Map<string, Promise<Reason>>()

function reasonOf(one: Seen): Promise<Reason> {
  const key = `${one.arn} ${one.when?.getTime()}`
  const known = reasons.get(key)
  if (known) return known
  const read = one.reason().catch((error) => {
    reasons.delete(key)
    throw error
  })
  reasons.set(key, read)
  return read
}

/** The newest of all kinds; the job that brought a run of a pipeline down is told as that run. */
export async function failures(
  runs: readonly PipelineExecution[],
  glue: readonly JobRun[],
  endpoints: readonly EndpointSummary[],
): Promise<Failure[]> {
  const seen = [...(await failedJobs()), ...failedRuns(runs), ...failedGlue(glue), ...failedEndpoints(endpoints)]
  const newest = newestFirst(seen).slice(0, 2 * MOST_SHOWN)
  const told = await Promise.all(newest.map(async (one) => ({ ...one, ...(await reasonOf(one)) })))
  return withoutParts(told).slice(0, MOST_SHOWN)
}

export const newestFirst = <T extends { when?: Date }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => (b.when?.getTime() ?? 0) - (a.when?.getTime() ?? 0))

export function withoutParts<T extends { arn: string; job?: string }>(items: readonly T[]): T[] {
  const parts = new Set(items.flatMap((one) => (one.job ? [one.job] : [])))
  return items.filter((one) => !parts.has(one.arn))
}

async function failedJobs(): Promise<Seen[]> {
  const sagemaker = aws(SageMakerClient)
  const [training, processing, transform, tuning] = await Promise.all([
    sagemaker.send(new ListTrainingJobsCommand(FAILED)),
    sagemaker.send(new ListProcessingJobsCommand(FAILED)),
    sagemaker.send(new ListTransformJobsCommand(FAILED)),
    sagemaker.send(new ListHyperParameterTuningJobsCommand(FAILED)),
  ])
  const reason = (said: { FailureReason?: string }): Reason => ({ why: said.FailureReason ?? "" })
  return [
    ...(training.TrainingJobSummaries ?? []).map((one) => ({
      ...named("Training", "/jobs/training", one.TrainingJobName, one.TrainingJobArn, one.TrainingEndTime),
      reason: async () =>
        reason(await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: one.TrainingJobName }))),
    })),
    ...(processing.ProcessingJobSummaries ?? []).map((one) => ({
      ...named("Processing", "/jobs/processing", one.ProcessingJobName, one.ProcessingJobArn, one.ProcessingEndTime),
      reason: async () =>
        reason(await sagemaker.send(new DescribeProcessingJobCommand({ ProcessingJobName: one.ProcessingJobName }))),
    })),
    ...(transform.TransformJobSummaries ?? []).map((one) => ({
      ...named("Transform", "/jobs/transform", one.TransformJobName, one.TransformJobArn, one.TransformEndTime),
      reason: async () =>
        reason(await sagemaker.send(new DescribeTransformJobCommand({ TransformJobName: one.TransformJobName }))),
    })),
    ...(tuning.HyperParameterTuningJobSummaries ?? []).map((one) => {
      const HyperParameterTuningJobName = one.HyperParameterTuningJobName
      const ended = one.HyperParameterTuningEndTime
      return {
        ...named("Tuning", "/jobs/tuning", HyperParameterTuningJobName, one.HyperParameterTuningJobArn, ended),
        reason: async () =>
          reason(await sagemaker.send(new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName }))),
      }
    }),
  ]
}

const named = (
  kind: string,
  under: string,
  name: string | undefined,
  arn: string | undefined,
  when: Date | undefined,
) => ({ kind, name: name ?? "", to: `${under}/${name}`, arn: arn ?? "", when })

const failedRuns = (runs: readonly PipelineExecution[]): Seen[] =>
  runs
    .filter((one) => one.PipelineExecutionStatus === "Failed")
    .map((one) => ({
      kind: "Pipeline",
      name: nameOf(one.PipelineArn),
      to: runPath(one),
      arn: one.PipelineExecutionArn ?? "",
      when: one.LastModifiedTime,
      reason: () => whyFailed(one),
    }))

async function whyFailed(run: PipelineExecution): Promise<Reason> {
  const { PipelineExecutionSteps: steps = [] } = await aws(SageMakerClient).send(
    new ListPipelineExecutionStepsCommand({ PipelineExecutionArn: run.PipelineExecutionArn }),
  )
  const step = steps.find((one) => one.StepStatus === "Failed")
  if (!step) return { why: run.FailureReason ?? "" }
  const made = step.Metadata
  const said = made?.Fail?.ErrorMessage ?? step.FailureReason ?? run.FailureReason ?? ""
  const job = made?.TrainingJob?.Arn ?? made?.ProcessingJob?.Arn ?? made?.TransformJob?.Arn ?? made?.TuningJob?.Arn
  return { why: `${step.StepName}: ${said}`, ...(job ? { job } : {}) }
}

const failedGlue = (runs: readonly JobRun[]): Seen[] =>
  runs
    .filter((one) => ["FAILED", "ERROR", "TIMEOUT"].includes(one.JobRunState ?? ""))
    .map((one) => ({
      kind: "Glue",
      name: one.JobName ?? "",
      to: gluePath(one),
      arn: one.Id ?? "",
      when: one.CompletedOn ?? one.LastModifiedOn,
      reason: async () => ({ why: one.ErrorMessage ?? "" }),
    }))

const failedEndpoints = (endpoints: readonly EndpointSummary[]): Seen[] =>
  endpoints
    .filter((one) => ["Failed", "OutOfService", "UpdateRollbackFailed"].includes(one.EndpointStatus ?? ""))
    .map((one) => ({
      ...named("Endpoint", "/endpoints", one.EndpointName, one.EndpointArn, one.LastModifiedTime),
      reason: async () => {
        const said = await aws(SageMakerClient).send(new DescribeEndpointCommand({ EndpointName: one.EndpointName }))
        return { why: said.FailureReason ?? "" }
      },
    }))

/** What fits in a table: the first line; where that only announces others ("Its last lines:"), the last one with it. */
export function shortReason(text: string): string {
  const lines = text
    .split("\n")
    .map((one) => one.trim())
    .filter((one) => one !== "")
  const first = lines[0] ?? ""
  return first.endsWith(":") && lines.length > 1 ? `${first} ${lines.at(-1)}` : first
}
