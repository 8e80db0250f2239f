/** Everything that an example made, in the order in which it can be removed: found by tags, and by names. */
import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand } from "@aws-sdk/client-application-auto-scaling"
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch"
import { IAMClient, ListRolesCommand } from "@aws-sdk/client-iam"
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelPackagesCommand,
  ListModelsCommand,
  ListPipelineExecutionsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { pagesOf } from "./found"
import { type Arn, nameFrom, ROLES } from "./names"
import { tagged } from "./tagged"

/** What can be removed, first things first: nothing goes while something that uses it is there. */
export const KINDS = [
  "run",
  "page",
  "scaling",
  "alarm",
  "endpoint",
  "endpoint configuration",
  "model",
  "version",
  "group",
  "pipeline",
  "bucket",
  "role",
] as const
export type Kind = (typeof KINDS)[number]
export type Thing = { kind: Kind; name: string; id: string }

const EVERY = { SortBy: "CreationTime", SortOrder: "Descending", MaxResults: 100 } as const

export const inOrder = (things: readonly Thing[]): Thing[] =>
  [...things].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.name.localeCompare(b.name))

export async function inventory(example: string): Promise<Thing[]> {
  const things = await tagged(example)
  const name = nameFrom(things)
  const of = (kind: string) => things.filter((one) => one.kind === kind)
  const [runs, versions, served, roles] = await Promise.all([
    Promise.all(of("pipeline").map(runsOf)),
    Promise.all(of("model-package-group").map(versionsOf)),
    servedOf(things, name),
    rolesOf(things, name),
  ])
  const plain = (kind: Kind, tag: string): Thing[] =>
    of(tag).map((one) => ({ kind, name: one.name, id: one.kind === "bucket" ? one.name : one.arn }))
  return inOrder([
    ...runs.flat(),
    ...served,
    ...versions.flat(),
    ...plain("group", "model-package-group"),
    ...plain("pipeline", "pipeline"),
    ...plain("bucket", "bucket"),
    ...roles,
  ])
}

async function runsOf(pipeline: Arn): Promise<Thing[]> {
  const runs = await all(
    (NextToken) =>
      aws(SageMakerClient).send(
        new ListPipelineExecutionsCommand({ PipelineName: pipeline.name, MaxResults: 100, NextToken }),
      ),
    (page) => page.PipelineExecutionSummaries,
    (page) => page.NextToken,
  )
  return runs
    .filter((one) => ["Executing", "Stopping"].includes(one.PipelineExecutionStatus ?? ""))
    .map((one) => ({
      kind: "run",
      name: one.PipelineExecutionArn?.split("/").at(-1) ?? "",
      id: one.PipelineExecutionArn ?? "",
    }))
}

async function versionsOf(group: Arn): Promise<Thing[]> {
  const versions = await all(
    (NextToken) =>
      aws(SageMakerClient).send(
        new ListModelPackagesCommand({ ModelPackageGroupName: group.name, MaxResults: 100, NextToken }),
      ),
    (page) => page.ModelPackageSummaryList,
    (page) => page.NextToken,
  )
  return versions.map((one) => ({
    kind: "version",
    name: `${group.name}, version ${one.ModelPackageVersion}`,
    id: one.ModelPackageArn ?? "",
  }))
}

/** The role of the example: by its tag where the region lists roles, else by its name below the path of examples. */
async function rolesOf(things: readonly Arn[], name: string | undefined): Promise<Thing[]> {
  const { Roles = [] } = await aws(IAMClient).send(new ListRolesCommand({ PathPrefix: ROLES }))
  const tags = new Set(things.filter((one) => one.kind === "role").map((one) => one.arn))
  return Roles.filter((one) => tags.has(one.Arn ?? "") || (name !== undefined && one.RoleName === name)).map((one) => ({
    kind: "role",
    name: one.RoleName ?? "",
    id: one.RoleName ?? "",
  }))
}

/** What serves: tagged, or named after the example and made of nothing but its versions. */
async function servedOf(things: readonly Arn[], name: string | undefined): Promise<Thing[]> {
  const sagemaker = aws(SageMakerClient)
  const [{ Endpoints = [] }, { EndpointConfigs = [] }, { Models = [] }] = await Promise.all([
    sagemaker.send(new ListEndpointsCommand(EVERY)),
    sagemaker.send(new ListEndpointConfigsCommand(EVERY)),
    sagemaker.send(new ListModelsCommand(EVERY)),
  ])
  const tags = new Set(things.map((one) => one.arn))
  const named = (text: string | undefined) => Boolean(name && text?.includes(name))
  const groups = things.filter((one) => one.kind === "model-package-group").map((one) => one.name)

  const models = await keep(Models, async (one) => {
    if (tags.has(one.ModelArn ?? "")) return true
    if (!named(one.ModelName)) return false
    const said = await sagemaker.send(new DescribeModelCommand({ ModelName: one.ModelName }))
    const containers = said.Containers ?? (said.PrimaryContainer ? [said.PrimaryContainer] : [])
    const packages = containers.map((each) => each.ModelPackageName?.split("model-package/").at(-1)?.split("/")[0])
    return packages.length > 0 && packages.every((each) => each !== undefined && groups.includes(each))
  })
  const ours = new Set(models.map((one) => one.ModelName))
  const configs = await keep(EndpointConfigs, async (one) => {
    if (tags.has(one.EndpointConfigArn ?? "")) return true
    if (!named(one.EndpointConfigName)) return false
    const said = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName: one.EndpointConfigName }))
    return said.ProductionVariants?.every((each) => ours.has(each.ModelName)) ?? false
  })
  const configured = new Set(configs.map((one) => one.EndpointConfigName))
  const endpoints = await keep(Endpoints, async (one) => {
    if (tags.has(one.EndpointArn ?? "")) return true
    if (!named(one.EndpointName)) return false
    const said = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: one.EndpointName }))
    return configured.has(said.EndpointConfigName)
  })
  return [
    ...(await around(endpoints.map((one) => one.EndpointName ?? ""))),
    ...(await pagesOf(endpoints)).map(
      ({ role, endpoint }): Thing => ({ kind: "page", name: `/apps/${endpoint}`, id: role }),
    ),
    ...endpoints.map((one): Thing => ({ kind: "endpoint", name: one.EndpointName ?? "", id: one.EndpointName ?? "" })),
    ...configs.map(
      (one): Thing => ({
        kind: "endpoint configuration",
        name: one.EndpointConfigName ?? "",
        id: one.EndpointConfigName ?? "",
      }),
    ),
    ...models.map((one): Thing => ({ kind: "model", name: one.ModelName ?? "", id: one.ModelName ?? "" })),
  ]
}

async function keep<T>(items: readonly T[], wanted: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(wanted))
  return items.filter((_, at) => kept[at])
}

/** What scales these endpoints, and the alarms that watch them. */
async function around(endpoints: readonly string[]): Promise<Thing[]> {
  if (!endpoints.length) return []
  const [targets, alarms] = await Promise.all([
    all(
      (NextToken) =>
        aws(ApplicationAutoScalingClient).send(
          new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker", NextToken }),
        ),
      (page) => page.ScalableTargets,
      (page) => page.NextToken,
    ),
    all(
      (NextToken) => aws(CloudWatchClient).send(new DescribeAlarmsCommand({ AlarmTypes: ["MetricAlarm"], NextToken })),
      (page) => page.MetricAlarms,
      (page) => page.NextToken,
    ),
  ])
  const scaled = targets.filter((one) => endpoints.includes(one.ResourceId?.split("/")[1] ?? ""))
  const watching = alarms.filter((one) =>
    one.Dimensions?.some((each) => each.Name === "EndpointName" && endpoints.includes(each.Value ?? "")),
  )
  return [
    ...scaled.map(
      (one): Thing => ({
        kind: "scaling",
        name: `${one.ResourceId}`,
        id: `${one.ScalableDimension}|${one.ResourceId}`,
      }),
    ),
    // Those of a scaling policy go with it.
    ...watching
      .filter((one) => !one.AlarmName?.startsWith("TargetTracking-"))
      .map((one): Thing => ({ kind: "alarm", name: one.AlarmName ?? "", id: one.AlarmName ?? "" })),
  ]
}
