/** What the form of a deployment needs to know before anybody fills it in, and what it then suggests. */
import {
  DescribeModelCommand,
  DescribeModelPackageCommand,
  type DescribeModelPackageOutput,
  ListEndpointsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { words } from "@/parts/format"
import { parseS3 } from "@/parts/s3"
import { groupArnOf, tagsOf } from "../packages"
import { inherited, type Tags } from "../rules"
import { type Serving, servingNow } from "../serving"
import { INSTANCE_TYPE, type Now, suggestedEndpoint, type Wanted, type What } from "./plan"
import { suggestedRole, type Trusted, trustedRoles } from "./roles"
import { nowOf } from "./run"

export type Asked = { packageArn: string } | { model: string }

export type Known = {
  what: What
  title: string
  /** Why it cannot be deployed, in words; "": it can. */
  refused: string
  /** Tags of the group that the deployment's resources get. */
  tags: Tags
  endpoints: { name: string; status: string; serves: string }[]
  roles: Trusted[]
  generatedBy: string | undefined
  instanceTypes: string[]
  /** What the form says at first, and what serves at the endpoint that it suggests. */
  wanted: Wanted
  now: Now | undefined
}

const sagemaker = () => aws(SageMakerClient)
const USUAL_TYPES = ["ml.t3.medium", INSTANCE_TYPE, "ml.m5.xlarge", "ml.c5.large", "ml.c5.xlarge", "ml.r5.large"]

export async function learn(asked: Asked, suggested?: string): Promise<Known> {
  const [endpoints, roles, serving, described] = await Promise.all([
    all(
      (NextToken) => sagemaker().send(new ListEndpointsCommand({ MaxResults: 100, NextToken })),
      (page) => page.Endpoints,
      (page) => page.NextToken,
    ),
    trustedRoles(),
    servingNow(),
    "model" in asked
      ? undefined
      : sagemaker().send(new DescribeModelPackageCommand({ ModelPackageName: asked.packageArn })),
  ])
  const what = whatOf(asked, described)
  const group = "model" in what ? "" : what.group
  const tags = group ? inherited(await tagsOf(groupArnOf(described?.ModelPackageArn ?? ""))) : {}
  const stem = "model" in what ? what.model : group || (described?.ModelPackageName ?? "model")
  const names = endpoints.map((one) => one.EndpointName ?? "")
  const there = suggested ?? (group ? endpointOf(group, serving) : undefined)
  const now = there ? await nowOf(there) : undefined
  const generatedBy = described?.MetadataProperties?.GeneratedBy
  const supported = described?.InferenceSpecification?.SupportedRealtimeInferenceInstanceTypes ?? []
  const place = parseS3((await dataOf(asked, described)) ?? "")
  const wanted: Wanted = {
    endpoint: there ?? suggestedEndpoint(stem, names),
    fresh: there === undefined,
    beside: false,
    weight: 1,
    serverless: false,
    instanceType: supported[0] ?? INSTANCE_TYPE,
    instances: 1,
    memoryMb: 2048,
    concurrency: 5,
    capture: false,
    captureUri: place ? `s3://${place.bucket}/captured` : "",
    capturePercent: 100,
    role: await suggestedRole(roles, now, generatedBy),
    canary: 0,
    ...adopted(now),
  }
  return {
    what,
    title:
      "model" in what ? `Deploy ${what.model}` : `Deploy ${stem}${what.version ? `, version ${what.version}` : ""}`,
    refused: refusal(described),
    tags,
    endpoints: endpoints.map((one) => ({
      name: one.EndpointName ?? "",
      status: one.EndpointStatus ?? "",
      serves: servedBy(one.EndpointName ?? "", serving),
    })),
    roles,
    generatedBy,
    instanceTypes: [...new Set([...supported, ...USUAL_TYPES])],
    wanted,
    now,
  }
}

function whatOf(asked: Asked, said: DescribeModelPackageOutput | undefined): What {
  if ("model" in asked) return asked
  return {
    packageArn: said?.ModelPackageArn ?? asked.packageArn,
    group: said?.ModelPackageGroupName ?? "",
    version: said?.ModelPackageVersion,
  }
}

/** Of a group only an Approved version can be made a model of; the server says so, and so does the form before. */
function refusal(said: DescribeModelPackageOutput | undefined): string {
  if (!said?.ModelPackageGroupName || said.ModelApprovalStatus === "Approved") return ""
  return `Version ${said.ModelPackageVersion} is “${words(said.ModelApprovalStatus)}”. Only an approved version can be deployed.`
}

/** The endpoint that serves a version of the group: the one for production before others. */
function endpointOf(group: string, serving: readonly Serving[]): string | undefined {
  const found = serving
    .filter((one) => one.status === "InService")
    .filter((one) => one.variants.some((variant) => variant.package?.includes(`:model-package/${group}/`)))
    .map((one) => one.endpoint)
  return found.find((one) => one === `${group}-production`) ?? found[0]
}

/** "cars/3", or the names of models: what an endpoint serves. */
export function servedBy(endpoint: string, serving: readonly Serving[]): string {
  const variants = serving.find((one) => one.endpoint === endpoint)?.variants ?? []
  return variants.map((one) => one.package?.split(":model-package/")[1] ?? one.model).join(", ")
}

async function dataOf(asked: Asked, said: DescribeModelPackageOutput | undefined): Promise<string | undefined> {
  if (!("model" in asked)) return said?.InferenceSpecification?.Containers?.[0]?.ModelDataUrl
  const model = await sagemaker().send(new DescribeModelCommand({ ModelName: asked.model }))
  return (model.PrimaryContainer ?? model.Containers?.[0])?.ModelDataUrl
}

/** What serves there now is what the form says at first. */
export function adopted(now: Now | undefined): Partial<Wanted> {
  const variant = now?.config?.ProductionVariants?.[0]
  const capture = now?.config?.DataCaptureConfig
  const live = now?.endpoint.ProductionVariants?.find((one) => one.VariantName === variant?.VariantName)
  return {
    ...(variant?.ServerlessConfig
      ? {
          serverless: true,
          memoryMb: variant.ServerlessConfig.MemorySizeInMB ?? 2048,
          concurrency: variant.ServerlessConfig.MaxConcurrency ?? 5,
        }
      : {}),
    ...(variant?.InstanceType
      ? {
          serverless: false,
          instanceType: variant.InstanceType,
          instances: live?.DesiredInstanceCount ?? variant.InitialInstanceCount ?? 1,
        }
      : {}),
    ...(now ? { capture: capture !== undefined && capture.EnableCapture !== false } : {}),
    ...(capture
      ? { captureUri: capture.DestinationS3Uri ?? "", capturePercent: capture.InitialSamplingPercentage ?? 100 }
      : {}),
  }
}
