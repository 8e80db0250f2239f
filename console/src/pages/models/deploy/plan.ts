/** What a deployment asks the wire for: names that collide with nothing, and the requests. Pure. */
import type {
  CreateEndpointConfigCommandInput,
  CreateModelCommandInput,
  DataCaptureConfig,
  DeploymentConfig,
  DescribeEndpointConfigOutput,
  DescribeEndpointOutput,
  ProductionVariant,
  Tag,
} from "@aws-sdk/client-sagemaker"
import type { Tags } from "../rules"

export const VARIANT = "AllTraffic"
export const INSTANCE_TYPE = "ml.m5.large"
export const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/

/** What the form holds. */
export type Wanted = {
  endpoint: string
  /** The endpoint is made; else one that is there is updated. */
  fresh: boolean
  /** Of an update: what serves now goes on serving beside the new variant. */
  beside: boolean
  weight: number
  serverless: boolean
  instanceType: string
  instances: number
  memoryMb: number
  concurrency: number
  capture: boolean
  captureUri: string
  capturePercent: number
  role: string
  /** Of an update: percent of the traffic that comes first; 0: all at once. */
  canary: number
}

/** What is deployed: a version of a group, a package alone, or a model that is there already. */
export type What = { packageArn: string; group: string; version: number | undefined } | { model: string }

/** What the endpoint that is updated serves now. */
export type Now = { endpoint: DescribeEndpointOutput; config: DescribeEndpointConfigOutput | undefined }

/** The name that the command line takes, too: rules of approval speak of it. Another one where that is taken. */
export function suggestedEndpoint(stem: string, taken: readonly string[]): string {
  const clean = stem.replace(/[^a-zA-Z0-9-]+/g, "-").replace(/^-+|-+$/g, "") || "model"
  const base = `${clean.slice(0, 50).replace(/-+$/, "")}-production`
  if (!taken.includes(base)) return base
  let at = 2
  while (taken.includes(`${base}-${at}`)) at++
  return `${base}-${at}`
}

/** The name of this deployment's model and configuration: later ones of the same endpoint are greater. */
export function madeName(endpoint: string, what: What, now: number): string {
  const said = "model" in what ? "" : `-v${what.version ?? 1}`
  const stem = endpoint.slice(0, 40).replace(/-+$/, "")
  return `${stem}${said}-${Math.floor(now).toString(16).slice(-9)}`
}

export const asTags = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** What the resources of the deployment say of it, over what the group's tags say. */
export function tagsFor(what: What, group: Tags, previous?: string): Tags {
  return {
    ...group,
    ...("model" in what
      ? {}
      : { "clary:model-package": what.packageArn, ...(what.group ? { "clary:model-package-group": what.group } : {}) }),
    ...(previous ? { "clary:previous-config": previous } : {}),
  }
}

/** The model of the package. Null: it is there already. */
export function modelRequest(name: string, what: What, wanted: Wanted, tags: Tags): CreateModelCommandInput | null {
  if ("model" in what) return null
  return {
    ModelName: name,
    ExecutionRoleArn: wanted.role,
    Containers: [{ ModelPackageName: what.packageArn }],
    Tags: asTags(tags),
  }
}

/** The name of the new variant: that of the only one it replaces, else one that no other has. */
export function variantName(what: What, wanted: Wanted, now: Now | undefined): string {
  const names = (now?.config?.ProductionVariants ?? []).map((one) => one.VariantName ?? "")
  if (!wanted.beside) return (names.length === 1 && names[0]) || VARIANT
  const stem = "model" in what ? "new" : `v${what.version ?? 1}`
  let [name, at] = [stem, 2]
  while (names.includes(name)) name = `${stem}-${at++}`
  return name
}

/** What serves now goes on as it is at this moment: scaled and weighted since its configuration was written. */
function keptVariants(now: Now | undefined): ProductionVariant[] {
  return (now?.config?.ProductionVariants ?? []).map((one) => {
    const live = now?.endpoint.ProductionVariants?.find((other) => other.VariantName === one.VariantName)
    return {
      ...one,
      InitialVariantWeight: live?.DesiredWeight ?? one.InitialVariantWeight,
      ...(one.ServerlessConfig ? {} : { InitialInstanceCount: live?.DesiredInstanceCount ?? one.InitialInstanceCount }),
    }
  })
}

/** How much of the traffic the new variant gets. */
export function shareOf(wanted: Wanted, now: Now | undefined): number {
  if (!wanted.beside) return 1
  const others = keptVariants(now).reduce((sum, one) => sum + (one.InitialVariantWeight ?? 0), 0)
  return wanted.weight + others > 0 ? wanted.weight / (wanted.weight + others) : 0
}

export function configRequest(
  name: string,
  model: string,
  what: What,
  wanted: Wanted,
  now: Now | undefined,
  tags: Tags,
): CreateEndpointConfigCommandInput {
  const variant: ProductionVariant = {
    VariantName: variantName(what, wanted, now),
    ModelName: model,
    InitialVariantWeight: wanted.beside ? wanted.weight : 1,
    ...(wanted.serverless
      ? { ServerlessConfig: { MemorySizeInMB: wanted.memoryMb, MaxConcurrency: wanted.concurrency } }
      : {
          InstanceType: wanted.instanceType as ProductionVariant["InstanceType"],
          InitialInstanceCount: wanted.instances,
        }),
  }
  const capture = captureOf(wanted, now?.config?.DataCaptureConfig)
  return {
    EndpointConfigName: name,
    ProductionVariants: [...(wanted.beside ? keptVariants(now) : []), variant],
    ...(capture ? { DataCaptureConfig: capture } : {}),
    ...(now?.config?.AsyncInferenceConfig ? { AsyncInferenceConfig: now.config.AsyncInferenceConfig } : {}),
    Tags: asTags(tags),
  }
}

/** What was set by hand before (content types, options) stays; place and share are the form's. */
function captureOf(wanted: Wanted, before: DataCaptureConfig | undefined): DataCaptureConfig | undefined {
  if (!wanted.capture) return undefined
  return {
    CaptureOptions: [{ CaptureMode: "Input" }, { CaptureMode: "Output" }],
    CaptureContentTypeHeader: { CsvContentTypes: ["text/csv"], JsonContentTypes: ["application/json"] },
    ...before,
    EnableCapture: true,
    InitialSamplingPercentage: wanted.capturePercent,
    DestinationS3Uri: wanted.captureUri,
  }
}

const BAKE_SECONDS = 60

/** All at once, or some percent of the traffic for a minute first. */
export function deploymentOf(wanted: Wanted): DeploymentConfig {
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: wanted.canary
        ? {
            Type: "CANARY",
            WaitIntervalInSeconds: BAKE_SECONDS,
            CanarySize: { Type: "CAPACITY_PERCENT", Value: wanted.canary },
          }
        : { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 },
      TerminationWaitInSeconds: 0,
    },
  }
}

/** What is wrong with the form, by field; empty: it can be sent. */
export function problems(wanted: Wanted, what: What, taken: readonly string[]): Partial<Record<keyof Wanted, string>> {
  const found: Partial<Record<keyof Wanted, string>> = {}
  if (!wanted.endpoint) found.endpoint = wanted.fresh ? "Give the endpoint a name." : "Choose an endpoint."
  else if (wanted.fresh && !NAME.test(wanted.endpoint))
    found.endpoint = "Letters, digits and single hyphens between them, 63 at most."
  else if (wanted.fresh && taken.includes(wanted.endpoint))
    found.endpoint = "An endpoint of that name is there already."
  if (!("model" in what) && !wanted.role) found.role = "Choose the role the model acts as."
  if (wanted.beside && !(wanted.weight >= 0)) found.weight = "A weight is 0 or more."
  if (wanted.serverless && !(wanted.concurrency >= 1 && wanted.concurrency <= 200)) found.concurrency = "From 1 to 200."
  if (!wanted.serverless && !/^ml\.\w+\.\w+$/.test(wanted.instanceType)) found.instanceType = "For example ml.m5.large."
  if (!wanted.serverless && !(wanted.instances >= 1)) found.instances = "At least 1."
  if (wanted.capture && !/^s3:\/\/[a-z0-9.-]{3,63}(\/.*)?$/.test(wanted.captureUri))
    found.captureUri = "A place in S3, for example s3://lake/captured."
  if (wanted.capture && !(wanted.capturePercent >= 0 && wanted.capturePercent <= 100))
    found.capturePercent = "From 0 to 100."
  return found
}
