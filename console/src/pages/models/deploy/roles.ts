/** Roles that SageMaker may assume, and which of them a model most likely acts as. */
import { IAMClient, ListRolesCommand, type Role } from "@aws-sdk/client-iam"
import {
  DescribeModelCommand,
  DescribePipelineCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { all } from "@/aws/pages"
import { kindOfArn } from "@/parts/arn"
import { nameOf } from "@/parts/format"
import type { Now } from "./plan"

export type Trusted = { arn: string; name: string }

/** IAM tells policies URL-encoded. */
export function trustsSageMaker(document: string | undefined): boolean {
  try {
    const { Statement } = JSON.parse(decodeURIComponent(document ?? "")) as { Statement?: unknown }
    return [Statement].flat().some((one) => {
      const { Effect, Principal } = (one ?? {}) as { Effect?: string; Principal?: { Service?: string | string[] } }
      return Effect === "Allow" && [Principal?.Service].flat().includes("sagemaker.amazonaws.com")
    })
  } catch {
    return false // what cannot be read trusts nobody
  }
}

export async function trustedRoles(): Promise<Trusted[]> {
  const found = await all(
    (Marker) => aws(IAMClient).send(new ListRolesCommand({ Marker })),
    (page) => page.Roles,
    (page) => (page.IsTruncated ? page.Marker : undefined),
  )
  return found
    .filter((one: Role) => trustsSageMaker(one.AssumeRolePolicyDocument))
    .map((one) => ({ arn: one.Arn ?? "", name: one.RoleName ?? "" }))
}

/** The role of what serves there now, else of the job or pipeline that made the version, else the only one there is. */
export async function suggestedRole(
  roles: readonly Trusted[],
  now: Now | undefined,
  generatedBy: string | undefined,
): Promise<string> {
  const asked = [() => roleOfServed(now), () => roleOfMaker(generatedBy)]
  for (const ask of asked) {
    const found = await ask().catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (found && roles.some((one) => one.arn === found)) return found
  }
  return roles.length === 1 ? (roles[0]?.arn ?? "") : ""
}

async function roleOfServed(now: Now | undefined): Promise<string | undefined> {
  const ModelName = now?.config?.ProductionVariants?.[0]?.ModelName
  if (!ModelName) return undefined
  return (await aws(SageMakerClient).send(new DescribeModelCommand({ ModelName }))).ExecutionRoleArn
}

async function roleOfMaker(arn: string | undefined): Promise<string | undefined> {
  if (arn === undefined) return undefined
  if (kindOfArn(arn) === "training-job")
    return (await aws(SageMakerClient).send(new DescribeTrainingJobCommand({ TrainingJobName: nameOf(arn) }))).RoleArn
  const pipeline = /:pipeline\/([^/]+)/.exec(arn)?.[1]
  if (pipeline === undefined) return undefined
  return (await aws(SageMakerClient).send(new DescribePipelineCommand({ PipelineName: pipeline }))).RoleArn
}
