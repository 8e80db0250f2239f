/** Reads of the registry: groups, versions, tags. */
import {
  DescribeModelPackageCommand,
  DescribeModelPackageGroupCommand,
  ListModelPackageGroupsCommand,
  ListModelPackagesCommand,
  ListTagsCommand,
  type ModelPackage,
  SageMakerClient,
  SearchCommand,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import type { Tags } from "./rules"

export const PENDING = "PendingManualApproval"

export type Summary = {
  arn: string
  group: string
  version: number
  name: string
  approval: string
  created: Date | undefined
}
export type Group = {
  name: string
  arn: string
  description: string
  created: Date | undefined
  versions: Summary[]
}
/** A version with everything that Describe tells. */
export type Version = ModelPackage & { ModelPackageArn: string }

const sagemaker = () => aws(SageMakerClient)

/** Every version of every group, and the packages that are in no group, in one list. */
async function summaries(): Promise<Summary[]> {
  const found = await all(
    (NextToken) =>
      sagemaker().send(new ListModelPackagesCommand({ ModelPackageType: "Both", MaxResults: 100, NextToken })),
    (page) => page.ModelPackageSummaryList,
    (page) => page.NextToken,
    10_000,
  )
  return found.map((one) => ({
    arn: one.ModelPackageArn ?? "",
    group: one.ModelPackageGroupName ?? "",
    version: one.ModelPackageVersion ?? 0,
    name: one.ModelPackageName ?? "",
    approval: one.ModelApprovalStatus ?? "",
    created: one.CreationTime,
  }))
}

/** The groups with their versions, the newest version first; packages of no group beside them. */
export async function registry(): Promise<{ groups: Group[]; alone: Summary[] }> {
  const [groups, versions] = await Promise.all([
    all(
      (NextToken) => sagemaker().send(new ListModelPackageGroupsCommand({ MaxResults: 100, NextToken })),
      (page) => page.ModelPackageGroupSummaryList,
      (page) => page.NextToken,
    ),
    summaries(),
  ])
  const of = new Map<string, Summary[]>()
  for (const one of versions) of.set(one.group, [...(of.get(one.group) ?? []), one])
  return {
    alone: of.get("") ?? [],
    groups: groups.map((one) => ({
      name: one.ModelPackageGroupName ?? "",
      arn: one.ModelPackageGroupArn ?? "",
      description: one.ModelPackageGroupDescription ?? "",
      created: one.CreationTime,
      versions: (of.get(one.ModelPackageGroupName ?? "") ?? []).sort((a, b) => b.version - a.version),
    })),
  }
}

export const useRegistry = () => useLive(["models", "registry"], registry)

/** All versions of the group in full, the newest first. Search tells as much as Describe, for all in one request. */
export async function versionsOf(group: string): Promise<Version[]> {
  const found = await all(
    (NextToken) =>
      sagemaker().send(
        new SearchCommand({
          Resource: "ModelPackage",
          SearchExpression: { Filters: [{ Name: "ModelPackageGroupName", Operator: "Equals", Value: group }] },
          SortBy: "CreationTime",
          SortOrder: "Descending",
          MaxResults: 100,
          NextToken,
        }),
      ),
    (page) => page.Results?.flatMap((one) => (one.ModelPackage ? [one.ModelPackage] : [])),
    (page) => page.NextToken,
  )
  return found
    .map((one) => ({ ...one, ModelPackageArn: one.ModelPackageArn ?? "" }))
    .sort((a, b) => (b.ModelPackageVersion ?? 0) - (a.ModelPackageVersion ?? 0))
}

export const useVersions = (group: string) => useLive(["models", "versions", group], () => versionsOf(group))

export const useGroup = (name: string, enabled = true) =>
  useLive(
    ["models", "group", name],
    () => sagemaker().send(new DescribeModelPackageGroupCommand({ ModelPackageGroupName: name })),
    { keep: false, enabled },
  )

/** `name`: "group/version", the name of a package without a group, or an ARN. */
export const usePackage = (name: string) =>
  useLive(
    ["models", "package", name],
    async (): Promise<Version> => {
      const said = await sagemaker().send(new DescribeModelPackageCommand({ ModelPackageName: name }))
      return { ...said, ModelPackageArn: said.ModelPackageArn ?? "" }
    },
    { keep: false },
  )

export async function tagsOf(arn: string): Promise<Tags> {
  const found = await all(
    (NextToken) => sagemaker().send(new ListTagsCommand({ ResourceArn: arn, NextToken })),
    (page) => page.Tags,
    (page) => page.NextToken,
  )
  return Object.fromEntries(found.map((one) => [one.Key ?? "", one.Value ?? ""]))
}

export const useTags = (arn: string | undefined) =>
  useLive(["tags", arn], () => tagsOf(arn ?? ""), { enabled: arn !== undefined && arn !== "" })

/** The page of a version. */
export const versionPath = (group: string, version: number | string): string => `/models/${group}/${version}`

/** The ARN of the version's group. */
export const groupArnOf = (arn: string): string =>
  arn.replace(":model-package/", ":model-package-group/").replace(/\/[0-9]+$/, "")
