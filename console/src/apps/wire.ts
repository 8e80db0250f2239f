/** A model's page on the wire: an IAM role with tags and one policy, read and changed by the operations of AWS. */
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListRolesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
} from "@aws-sdk/client-iam"
import { DescribeEndpointCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { all } from "@/aws/pages"
import { region } from "@/aws/place"
import { DEFAULT_RATE, grant, newToken, PATH, POLICY, roleName, sha256, TAGS, trust } from "./names"

export type Access = "public" | "token"
export type App = {
  role: string
  access: Access
  /** Requests a minute and client address. */
  rate: number
  /** The S3 URI of the page's document; "": it has none. */
  document: string
  made: Date | undefined
  used: Date | undefined
}
export type Wanted = { access: Access; rate: number; document: string }

/** The page of the endpoint; null: it has none. Looked up in a list: a browser reports each 404 as an error. */
export async function readApp(endpoint: string): Promise<App | null> {
  const iam = aws(IAMClient)
  const RoleName = roleName(endpoint)
  const pages = await all(
    (Marker) => iam.send(new ListRolesCommand({ PathPrefix: PATH, Marker })),
    (page) => page.Roles,
    (page) => (page.IsTruncated ? page.Marker : undefined),
    10_000,
  )
  if (!pages.some((one) => one.RoleName === RoleName)) return null
  const { Role: role } = await iam.send(new GetRoleCommand({ RoleName }))
  const tags = new Map((role?.Tags ?? []).map((one) => [one.Key, one.Value ?? ""]))
  if (!role || tags.get(TAGS.endpoint) !== endpoint) return null
  return {
    role: RoleName,
    access: tags.get(TAGS.access) === "public" ? "public" : "token",
    rate: Number(tags.get(TAGS.rate)) || DEFAULT_RATE,
    document: tags.get(TAGS.document) ?? "",
    made: role.CreateDate,
    used: role.RoleLastUsed?.LastUsedDate,
  }
}

/**
 * The page is as wanted, whether it was there before or not. Answers a new token where one was made: it is known to nobody
 * else from then on. The grant comes last: a page that is half made says that it may not ask the model.
 */
export async function putApp(endpoint: string, wanted: Wanted, before: App | null): Promise<string> {
  const iam = aws(IAMClient)
  const described = await aws(SageMakerClient).send(new DescribeEndpointCommand({ EndpointName: endpoint }))
  const token = wanted.access === "token" && before?.access !== "token" ? newToken() : ""
  const tags = new Map<string, string>([
    [TAGS.endpoint, endpoint],
    [TAGS.region, region()],
    [TAGS.access, wanted.access],
    [TAGS.rate, String(wanted.rate)],
  ])
  if (token) tags.set(TAGS.token, sha256(token))
  if (wanted.document) tags.set(TAGS.document, wanted.document)
  const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }))
  const RoleName = roleName(endpoint)
  const gone: string[] = []
  if (!wanted.document) gone.push(TAGS.document)
  if (wanted.access === "public") gone.push(TAGS.token)
  if (before === null) {
    const Description = `The page of the endpoint ${endpoint}`
    await iam.send(
      new CreateRoleCommand({ RoleName, Path: PATH, AssumeRolePolicyDocument: trust(), Tags, Description }),
    )
  } else {
    // First nobody gets in by what no longer counts, then the new tags.
    if (gone.length) await iam.send(new UntagRoleCommand({ RoleName, TagKeys: gone }))
    await iam.send(new TagRoleCommand({ RoleName, Tags }))
  }
  const PolicyDocument = grant(described.EndpointArn ?? "", wanted.document)
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: POLICY, PolicyDocument }))
  return token
}

/** The old token opens the page no more. Answers the new one. */
export async function renewToken(endpoint: string): Promise<string> {
  const token = newToken()
  const Tags = [{ Key: TAGS.token, Value: sha256(token) }]
  await aws(IAMClient).send(new TagRoleCommand({ RoleName: roleName(endpoint), Tags }))
  return token
}

/** From now on there is no page. Its document, if it has one, stays in S3. */
export async function removeApp(endpoint: string): Promise<void> {
  const iam = aws(IAMClient)
  const RoleName = roleName(endpoint)
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: POLICY })).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
  await iam.send(new DeleteRoleCommand({ RoleName }))
}
