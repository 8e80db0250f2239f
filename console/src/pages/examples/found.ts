/** How far an example has come, as the wire tells it. Only lists are asked: what is not there yet is no error. */
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch"
import { IAMClient, ListRolesCommand } from "@aws-sdk/client-iam"
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3"
import {
  type EndpointSummary,
  ListEndpointsCommand,
  ListModelPackagesCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  type ModelPackageSummary,
  type PipelineExecutionSummary,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { type Bundle, bundleOf, fill } from "./bundle"
import { type Arn, nameFrom, pagesRole } from "./names"
import { tagged } from "./tagged"

export type Found = {
  /** Everything that has the tag. */
  things: Arn[]
  name?: string
  bucket?: string
  files: { there: number; of: number; bytes: number }
  pipeline: boolean
  execution?: PipelineExecutionSummary
  steps: { over: number; now: string[]; failed?: { name: string; why: string } }
  versions: ModelPackageSummary[]
  endpoints: EndpointSummary[]
  /** The endpoint that has a page. */
  page?: string
  invocations?: number
}

let bundles: Record<string, Promise<Bundle>> = {}

function bundle(example: string): Promise<Bundle> {
  const known = bundles[example]
  if (known) return known
  const read = bundleOf(example).catch((error) => {
    bundles = Object.fromEntries(Object.entries(bundles).filter(([name]) => name !== example))
    throw error
  })
  bundles[example] = read
  return read
}

export async function found(example: string): Promise<Found> {
  const things = await tagged(example)
  const name = nameFrom(things)
  const bucket = things.find((one) => one.kind === "bucket")?.name
  const pipeline = things.find((one) => one.kind === "pipeline")?.name
  const group = things.find((one) => one.kind === "model-package-group")?.name
  const [files, run, versions, served] = await Promise.all([
    bucket && name ? uploads(example, bucket, name) : { there: 0, of: 0, bytes: 0 },
    pipeline ? lastRun(pipeline) : { steps: { over: 0, now: [] } },
    group ? versionsOf(group) : [],
    name ? endpointsOf(things, name) : { endpoints: [] },
  ])
  return { things, name, bucket, files, pipeline: pipeline !== undefined, ...run, versions, ...served }
}

async function uploads(example: string, Bucket: string, name: string): Promise<Found["files"]> {
  const { files } = await bundle(example)
  const wanted = new Set(files.map((one) => fill(one.key, { name, bucket: Bucket, role: "" })))
  const prefixes = ["raw/", `${name}/code/`]
  const pages = await Promise.all(
    prefixes.map((Prefix) => aws(S3Client).send(new ListObjectsV2Command({ Bucket, Prefix }))),
  )
  const there = pages.flatMap((page) => page.Contents ?? []).filter((one) => wanted.has(one.Key ?? ""))
  return { there: there.length, of: wanted.size, bytes: there.reduce((sum, one) => sum + (one.Size ?? 0), 0) }
}

async function lastRun(PipelineName: string): Promise<Pick<Found, "execution" | "steps">> {
  const sagemaker = aws(SageMakerClient)
  const { PipelineExecutionSummaries: runs = [] } = await sagemaker.send(
    new ListPipelineExecutionsCommand({ PipelineName, MaxResults: 1, SortBy: "CreationTime", SortOrder: "Descending" }),
  )
  const execution = runs[0]
  if (!execution || execution.PipelineExecutionStatus === "Succeeded") return { execution, steps: { over: 0, now: [] } }
  const { PipelineExecutionSteps: steps = [] } = await sagemaker.send(
    new ListPipelineExecutionStepsCommand({
      PipelineExecutionArn: execution.PipelineExecutionArn,
      SortOrder: "Ascending",
    }),
  )
  const failed = steps.find((one) => one.StepStatus === "Failed")
  return {
    execution,
    steps: {
      over: steps.filter((one) => one.StepStatus === "Succeeded").length,
      now: steps
        .filter((one) => one.StepStatus === "Executing" || one.StepStatus === "Starting")
        .map((one) => one.StepName ?? ""),
      ...(failed
        ? {
            failed: {
              name: failed.StepName ?? "",
              why: failed.Metadata?.Fail?.ErrorMessage ?? failed.FailureReason ?? "",
            },
          }
        : {}),
    },
  }
}

async function versionsOf(ModelPackageGroupName: string): Promise<ModelPackageSummary[]> {
  const answer = await aws(SageMakerClient).send(
    new ListModelPackagesCommand({
      ModelPackageGroupName,
      SortBy: "CreationTime",
      SortOrder: "Descending",
      MaxResults: 20,
    }),
  )
  return answer.ModelPackageSummaryList ?? []
}

/** Endpoints that have the tag of the example, or (made by `clary deploy`, for example) the name of its group in theirs. */
export const isOurs = (endpoint: EndpointSummary, things: readonly Arn[], name: string): boolean =>
  things.some((one) => one.arn === endpoint.EndpointArn) ||
  [`${name}-staging`, `${name}-production`].includes(endpoint.EndpointName ?? "")

async function endpointsOf(
  things: readonly Arn[],
  name: string,
): Promise<Pick<Found, "endpoints" | "page" | "invocations">> {
  const { Endpoints: listed = [] } = await aws(SageMakerClient).send(
    new ListEndpointsCommand({ SortBy: "CreationTime", SortOrder: "Descending", MaxResults: 100 }),
  )
  const endpoints = listed.filter((one) => isOurs(one, things, name))
  if (!endpoints.length) return { endpoints }
  const [pages, invocations] = await Promise.all([pagesOf(endpoints), traffic(endpoints)])
  return { endpoints, page: pages[0]?.endpoint, invocations }
}

/** The roles by which pages of these endpoints are served. */
export async function pagesOf(endpoints: readonly EndpointSummary[]): Promise<{ role: string; endpoint: string }[]> {
  const roles = await all(
    (Marker) => aws(IAMClient).send(new ListRolesCommand({ PathPrefix: "/apps/", Marker })),
    (page) => page.Roles,
    (page) => page.Marker,
  )
  return roles.flatMap(({ RoleName: role = "" }) => {
    const endpoint = endpoints.find((one) => pagesRole(role, one.EndpointName ?? ""))?.EndpointName
    return endpoint ? [{ role, endpoint }] : []
  })
}

const HOUR = 3_600
const KEPT_DAYS = 15

/** How many requests their models had since the oldest of them was made, as far back as minutes are kept. */
async function traffic(endpoints: readonly EndpointSummary[]): Promise<number> {
  const oldest = Math.min(...endpoints.map((one) => one.CreationTime?.getTime() ?? Date.now()))
  const since = Math.max(oldest, Date.now() - KEPT_DAYS * 24 * HOUR * 1_000)
  // Periods begin at the start: so nothing is counted of an earlier endpoint of that name.
  const { MetricDataResults: results = [] } = await aws(CloudWatchClient).send(
    new GetMetricDataCommand({
      StartTime: new Date(Math.floor(since / 60_000) * 60_000),
      EndTime: new Date(Date.now() + 60_000),
      MetricDataQueries: endpoints.slice(0, 50).map((one, at) => ({
        Id: `e${at}`,
        Expression: `SUM(SEARCH('{AWS/SageMaker,EndpointName,VariantName} MetricName="Invocations" EndpointName="${one.EndpointName}"', 'Sum', ${HOUR}))`,
      })),
    }),
  )
  return results.flatMap((one) => one.Values ?? []).reduce((sum, one) => sum + one, 0)
}
