/** What runs or waits now: jobs of all kinds, runs of pipelines, endpoints that change. */
import { GetJobRunsCommand, GetJobsCommand, GlueClient, type JobRun } from "@aws-sdk/client-glue"
import {
  DescribeProcessingJobCommand,
  DescribeTrainingJobCommand,
  DescribeTransformJobCommand,
  type EndpointSummary,
  ListEndpointsCommand,
  ListHyperParameterTuningJobsCommand,
  ListProcessingJobsCommand,
  ListTrainingJobsCommand,
  ListTransformJobsCommand,
  type PipelineExecution,
  SageMakerClient,
  SearchCommand,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { nameOf } from "@/parts/format"

export type Going = {
  kind: string
  name: string
  to: string
  status: string
  /** Since when it runs; of what waits, since when it was asked for. */
  since?: Date
  /** It stands in the queue; why, if that is told. */
  waits?: { why: string }
}

const MOST = 20
/** Of how many waiting jobs it is asked why. */
const MOST_ASKED = 5
const GOING = { StatusEquals: "InProgress", SortBy: "CreationTime", SortOrder: "Descending", MaxResults: MOST } as const

export async function runningJobs(): Promise<Going[]> {
  return (await Promise.all([training(), processing(), transform(), tuning()])).flat()
}

async function training(): Promise<Going[]> {
  const { TrainingJobSummaries: found = [] } = await aws(SageMakerClient).send(new ListTrainingJobsCommand(GOING))
  return Promise.all(
    found.map(async (one, at) => {
      const waits = one.SecondaryStatus === "Pending"
      return {
        kind: "Training",
        name: one.TrainingJobName ?? "",
        to: `/jobs/training/${one.TrainingJobName}`,
        status: waits ? "Pending" : (one.SecondaryStatus ?? "InProgress"),
        since: one.CreationTime,
        ...(waits ? { waits: { why: at < MOST_ASKED ? await whyWaiting(one.TrainingJobName) : "" } } : {}),
      }
    }),
  )
}

async function whyWaiting(TrainingJobName: string | undefined): Promise<string> {
  const job = await aws(SageMakerClient).send(new DescribeTrainingJobCommand({ TrainingJobName }))
  return job.SecondaryStatusTransitions?.at(-1)?.StatusMessage ?? ""
}

/** Lists do not tell whether these have begun; each of the first few is asked. */
async function processing(): Promise<Going[]> {
  const sagemaker = aws(SageMakerClient)
  const { ProcessingJobSummaries: found = [] } = await sagemaker.send(new ListProcessingJobsCommand(GOING))
  return Promise.all(
    found.map(async (one, at) => {
      const ProcessingJobName = one.ProcessingJobName
      const said = at < MOST_ASKED && (await sagemaker.send(new DescribeProcessingJobCommand({ ProcessingJobName })))
      const began = said ? said.ProcessingStartTime : one.CreationTime
      return job("Processing", `/jobs/processing/${ProcessingJobName}`, ProcessingJobName, began, one.CreationTime)
    }),
  )
}

async function transform(): Promise<Going[]> {
  const sagemaker = aws(SageMakerClient)
  const { TransformJobSummaries: found = [] } = await sagemaker.send(new ListTransformJobsCommand(GOING))
  return Promise.all(
    found.map(async (one, at) => {
      const TransformJobName = one.TransformJobName
      const said = at < MOST_ASKED && (await sagemaker.send(new DescribeTransformJobCommand({ TransformJobName })))
      const began = said ? said.TransformStartTime : one.CreationTime
      return job("Transform", `/jobs/transform/${TransformJobName}`, TransformJobName, began, one.CreationTime)
    }),
  )
}

async function tuning(): Promise<Going[]> {
  const answer = await aws(SageMakerClient).send(new ListHyperParameterTuningJobsCommand(GOING))
  return (answer.HyperParameterTuningJobSummaries ?? []).map((one) =>
    job(
      "Tuning",
      `/jobs/tuning/${one.HyperParameterTuningJobName}`,
      one.HyperParameterTuningJobName,
      one.CreationTime,
      one.CreationTime,
    ),
  )
}

const job = (
  kind: string,
  to: string,
  name: string | undefined,
  began: Date | undefined,
  asked: Date | undefined,
): Going => ({
  kind,
  name: name ?? "",
  to,
  status: began ? "InProgress" : "Pending",
  since: began ?? asked,
  ...(began ? {} : { waits: { why: "" } }),
})

/** The runs of pipelines that moved last: one look, by an order that the store keeps. */
export async function lastRuns(): Promise<PipelineExecution[]> {
  const answer = await aws(SageMakerClient).send(
    new SearchCommand({
      Resource: "PipelineExecution",
      SortBy: "LastModifiedTime",
      SortOrder: "Descending",
      MaxResults: 50,
    }),
  )
  return (answer.Results ?? []).flatMap((one) => (one.PipelineExecution ? [one.PipelineExecution] : []))
}

export const runPath = (run: PipelineExecution): string =>
  `/pipelines/${nameOf(run.PipelineArn)}/executions/${nameOf(run.PipelineExecutionArn)}`

export const goingRuns = (runs: readonly PipelineExecution[]): Going[] =>
  runs
    .filter((one) => ["Executing", "Stopping"].includes(one.PipelineExecutionStatus ?? ""))
    .map((one) => ({
      kind: "Pipeline",
      name: nameOf(one.PipelineArn),
      to: runPath(one),
      status: one.PipelineExecutionStatus ?? "",
      since: one.CreationTime,
    }))

export async function endpoints(): Promise<EndpointSummary[]> {
  const answer = await aws(SageMakerClient).send(
    new ListEndpointsCommand({ SortBy: "CreationTime", SortOrder: "Descending", MaxResults: 50 }),
  )
  return answer.Endpoints ?? []
}

const SETTLED = ["InService", "Failed", "OutOfService", "UpdateRollbackFailed"]

export const goingEndpoints = (found: readonly EndpointSummary[]): Going[] =>
  found
    .filter((one) => !SETTLED.includes(one.EndpointStatus ?? ""))
    .map((one) => ({
      kind: "Endpoint",
      name: one.EndpointName ?? "",
      to: `/endpoints/${one.EndpointName}`,
      status: one.EndpointStatus ?? "",
      since: one.LastModifiedTime,
    }))

const MOST_GLUE_JOBS = 10

/** The last runs of the jobs of Glue, which has no list of runs of all jobs. */
export async function glueRuns(): Promise<JobRun[]> {
  const { Jobs = [] } = await aws(GlueClient).send(new GetJobsCommand({ MaxResults: MOST_GLUE_JOBS }))
  const runs = await Promise.all(
    Jobs.map(({ Name }) => aws(GlueClient).send(new GetJobRunsCommand({ JobName: Name, MaxResults: 5 }))),
  )
  return runs.flatMap((one) => one.JobRuns ?? [])
}

export const gluePath = (run: JobRun): string => `/jobs/glue/${run.JobName}/${run.Id}`

export const goingGlue = (runs: readonly JobRun[]): Going[] =>
  runs
    .filter((one) => ["STARTING", "RUNNING", "STOPPING", "WAITING"].includes(one.JobRunState ?? ""))
    .map((one) => ({
      kind: "Glue",
      name: one.JobName ?? "",
      to: gluePath(one),
      status: one.JobRunState ?? "",
      since: one.StartedOn,
      ...(one.JobRunState === "WAITING" ? { waits: { why: "" } } : {}),
    }))
