/** What IAM says of users, groups, roles and policies. */
import {
  type AccessKeyMetadata,
  type AttachedPolicy,
  GetAccessKeyLastUsedCommand,
  GetGroupCommand,
  GetGroupPolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  type Group,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListGroupPoliciesCommand,
  ListGroupsCommand,
  ListGroupsForUserCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  type Policy,
  type PolicyScopeType,
  type Role,
  type User,
} from "@aws-sdk/client-iam"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"

export const iam = () => aws(IAMClient)
const MOST = 5_000

export const listUsers = (): Promise<User[]> =>
  all(
    (Marker) => iam().send(new ListUsersCommand({ Marker })),
    (page) => page.Users,
    (page) => page.Marker,
    MOST,
  )

export const listGroups = (): Promise<Group[]> =>
  all(
    (Marker) => iam().send(new ListGroupsCommand({ Marker })),
    (page) => page.Groups,
    (page) => page.Marker,
    MOST,
  )

export const listRoles = (): Promise<Role[]> =>
  all(
    (Marker) => iam().send(new ListRolesCommand({ Marker })),
    (page) => page.Roles,
    (page) => page.Marker,
    MOST,
  )

export const listPolicies = (Scope: PolicyScopeType): Promise<Policy[]> =>
  all(
    (Marker) => iam().send(new ListPoliciesCommand({ Scope, Marker })),
    (page) => page.Policies,
    (page) => page.Marker,
    MOST,
  )

export const readUser = async (UserName: string) => (await iam().send(new GetUserCommand({ UserName }))).User ?? null
export const readRole = async (RoleName: string) => (await iam().send(new GetRoleCommand({ RoleName }))).Role ?? null

export const groupsOf = (UserName: string): Promise<Group[]> =>
  all(
    (Marker) => iam().send(new ListGroupsForUserCommand({ UserName, Marker })),
    (page) => page.Groups,
    (page) => page.Marker,
  )

export async function readGroup(GroupName: string): Promise<{ group: Group | undefined; users: User[] }> {
  let group: Group | undefined
  const users = await all(
    async (Marker) => {
      const page = await iam().send(new GetGroupCommand({ GroupName, Marker }))
      group = page.Group
      return page
    },
    (page) => page.Users,
    (page) => page.Marker,
  )
  return { group, users }
}

export type Key = AccessKeyMetadata & { used: Date | undefined; where: string }

export async function keysOf(UserName: string): Promise<Key[]> {
  const keys = (await iam().send(new ListAccessKeysCommand({ UserName }))).AccessKeyMetadata ?? []
  return Promise.all(
    keys.map(async (one) => {
      const last = await iam().send(new GetAccessKeyLastUsedCommand({ AccessKeyId: one.AccessKeyId }))
      return {
        ...one,
        used: last.AccessKeyLastUsed?.LastUsedDate,
        where: last.AccessKeyLastUsed?.ServiceName ?? "",
      }
    }),
  )
}

/** A document as IAM answers it: URL-encoded JSON. */
export function document(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(decodeURIComponent(text))
  } catch {
    return text
  }
}

export type Holder = { kind: "user" | "group" | "role"; name: string }
export type Held = { attached: AttachedPolicy[]; inline: { name: string; document: unknown }[] }

/** The policies of a user, a group or a role: attached ones, and those of its own with their documents. */
export async function policiesOf({ kind, name }: Holder): Promise<Held> {
  const attached = await all(
    (Marker) =>
      kind === "user"
        ? iam().send(new ListAttachedUserPoliciesCommand({ UserName: name, Marker }))
        : kind === "group"
          ? iam().send(new ListAttachedGroupPoliciesCommand({ GroupName: name, Marker }))
          : iam().send(new ListAttachedRolePoliciesCommand({ RoleName: name, Marker })),
    (page) => page.AttachedPolicies,
    (page) => page.Marker,
  )
  const names = await all(
    (Marker) =>
      kind === "user"
        ? iam().send(new ListUserPoliciesCommand({ UserName: name, Marker }))
        : kind === "group"
          ? iam().send(new ListGroupPoliciesCommand({ GroupName: name, Marker }))
          : iam().send(new ListRolePoliciesCommand({ RoleName: name, Marker })),
    (page) => page.PolicyNames,
    (page) => page.Marker,
  )
  const inline = await Promise.all(
    names.map(async (PolicyName) => {
      const found =
        kind === "user"
          ? await iam().send(new GetUserPolicyCommand({ UserName: name, PolicyName }))
          : kind === "group"
            ? await iam().send(new GetGroupPolicyCommand({ GroupName: name, PolicyName }))
            : await iam().send(new GetRolePolicyCommand({ RoleName: name, PolicyName }))
      return { name: PolicyName, document: document(found.PolicyDocument) }
    }),
  )
  return { attached, inline }
}

export async function readPolicy(PolicyArn: string) {
  const policy = (await iam().send(new GetPolicyCommand({ PolicyArn }))).Policy
  const [version, versions, holders] = await Promise.all([
    iam().send(new GetPolicyVersionCommand({ PolicyArn, VersionId: policy?.DefaultVersionId })),
    all(
      (Marker) => iam().send(new ListPolicyVersionsCommand({ PolicyArn, Marker })),
      (page) => page.Versions,
      (page) => page.Marker,
    ),
    holdersOf(PolicyArn),
  ])
  return { policy, document: document(version.PolicyVersion?.Document), versions, holders }
}

/** Who has the policy. */
export async function holdersOf(PolicyArn: string): Promise<Holder[]> {
  return all(
    (Marker) => iam().send(new ListEntitiesForPolicyCommand({ PolicyArn, Marker })),
    (page) => [
      ...(page.PolicyUsers ?? []).map((one): Holder => ({ kind: "user", name: one.UserName ?? "" })),
      ...(page.PolicyGroups ?? []).map((one): Holder => ({ kind: "group", name: one.GroupName ?? "" })),
      ...(page.PolicyRoles ?? []).map((one): Holder => ({ kind: "role", name: one.RoleName ?? "" })),
    ],
    (page) => page.Marker,
  )
}

export const userAt = (name: string): string => `/operate/users/users/${encodeURIComponent(name)}`
export const groupAt = (name: string): string => `/operate/users/groups/${encodeURIComponent(name)}`
export const roleAt = (name: string): string => `/operate/users/roles/${encodeURIComponent(name)}`
export const policyAt = (arn: string): string => `/operate/users/policy?${new URLSearchParams({ arn })}`
export const holderAt = ({ kind, name }: Holder): string => ({ user: userAt, group: groupAt, role: roleAt })[kind](name)
