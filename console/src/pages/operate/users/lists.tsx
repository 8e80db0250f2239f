/** The lists of users, groups, roles and policies. */
import type { Group, Policy, Role, User } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type ReactNode, useState } from "react"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"
import { MakeGroup, MakePolicy, MakeSageMakerRole, MakeUser } from "./make"
import { document, groupAt, listGroups, listPolicies, listRoles, listUsers, policyAt, roleAt, userAt } from "./reads"
import { trusted } from "./trust"

const Name = ({ to, name }: { to: string; name: string | undefined }) => (
  <span className="clary-break">
    <To to={to}>{name}</To>
  </span>
)

type Principal = { Arn?: string; Path?: string; CreateDate?: Date }

/** The columns that users, groups and roles have; `more` stands behind the name. */
const columns = <T extends Principal>(
  header: string,
  name: (one: T) => string | undefined,
  at: (name: string) => string,
  more: Column<T>[] = [],
): Column<T>[] => [
  {
    id: "name",
    header,
    isRowHeader: true,
    text: name,
    cell: (one) => <Name to={at(name(one) ?? "")} name={name(one)} />,
  },
  ...more,
  { id: "path", header: "Path", text: (one) => one.Path, cell: (one) => one.Path },
  { id: "made", header: "Made", text: (one) => one.CreateDate, cell: (one) => <Ago when={one.CreateDate} /> },
]

type ListProps<T> = {
  title: string
  view: string
  read: () => Promise<T[]>
  columns: Column<T>[]
  verb: string
  primary?: boolean
  wrap?: boolean
  none: string
  why: string
  /** The dialog that makes one. */
  Make: (props: { onDone: () => void }) => ReactNode
}

function Listed<T extends Principal>({
  title,
  view,
  read,
  columns,
  verb,
  primary,
  wrap,
  none,
  why,
  Make,
}: ListProps<T>) {
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useLive(["iam", view], read)
  const make = (
    <Button variant={primary ? "primary" : "normal"} onClick={() => setMaking(true)}>
      {verb}
    </Button>
  )
  return (
    <>
      <ResourceTable<T>
        title={title}
        rows={data}
        columns={columns}
        id={(one) => one.Arn ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        wrap={wrap}
        actions={make}
        empty={
          <Empty title={none} action={make}>
            {why}
          </Empty>
        }
      />
      {making && <Make onDone={() => setMaking(false)} />}
    </>
  )
}

const USERS = columns<User>("User", (one) => one.UserName, userAt)
const GROUPS = columns<Group>("Group", (one) => one.GroupName, groupAt)
const ROLES = columns<Role>("Role", (one) => one.RoleName, roleAt, [
  {
    id: "trusts",
    header: "May be assumed by",
    text: (one) => trusted(document(one.AssumeRolePolicyDocument)).join(", "),
    cell: (one) => (
      <span className="clary-break">{trusted(document(one.AssumeRolePolicyDocument)).join(", ") || "–"}</span>
    ),
  },
])

export const Users = () => (
  <Listed
    title="Users"
    view="users"
    read={listUsers}
    columns={USERS}
    verb="Create user"
    primary
    none="No user yet"
    why="You are the owner of this home and may do everything. Others get a user, a key and just what they need."
    Make={MakeUser}
  />
)

export const Groups = () => (
  <Listed
    title="Groups"
    view="groups"
    read={listGroups}
    columns={GROUPS}
    verb="Create group"
    none="No group yet"
    why="A group gives all its users the same policies."
    Make={MakeGroup}
  />
)

export const Roles = () => (
  <Listed
    title="Roles"
    view="roles"
    read={listRoles}
    columns={ROLES}
    verb="Create a role for SageMaker"
    wrap
    none="No role yet"
    why="Jobs and models act as a role, and may only what its policies allow."
    Make={MakeSageMakerRole}
  />
)

const SCOPES = [
  { value: "Local", label: "Your own" },
  { value: "AWS", label: "Those of AWS" },
  { value: "All", label: "All" },
] as const

const POLICIES: Column<Policy>[] = [
  {
    id: "name",
    header: "Policy",
    isRowHeader: true,
    text: (one) => one.PolicyName,
    cell: (one) => <Name to={policyAt(one.Arn ?? "")} name={one.PolicyName} />,
  },
  { id: "about", header: "Description", text: (one) => one.Description, cell: (one) => one.Description || "–" },
  {
    id: "held",
    header: "Attached to",
    text: (one) => one.AttachmentCount,
    cell: (one) => <span className="clary-numbers">{count(one.AttachmentCount)}</span>,
  },
  { id: "changed", header: "Changed", text: (one) => one.UpdateDate, cell: (one) => <Ago when={one.UpdateDate} /> },
]

export function Policies() {
  const [making, setMaking] = useState(false)
  const [params, setParams] = useSearchParams()
  const scope = SCOPES.find((one) => one.value === params.get("scope")) ?? SCOPES[0]
  const { data, error, refetch } = useLive(["iam", "policies", scope.value], () => listPolicies(scope.value))
  const make = <Button onClick={() => setMaking(true)}>Create policy</Button>
  return (
    <>
      <ResourceTable<Policy>
        title="Policies"
        rows={data}
        columns={POLICIES}
        id={(one) => one.Arn ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        wrap
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Select
              ariaLabel="Whose policies"
              options={SCOPES}
              selectedOption={scope}
              onChange={({ detail }) =>
                setParams(
                  (now) => {
                    now.set("scope", detail.selectedOption.value ?? "Local")
                    return now
                  },
                  { replace: true },
                )
              }
            />
            {make}
          </SpaceBetween>
        }
        empty={
          <Empty title="No policy of your own yet" action={make}>
            AWS's own policies, such as AmazonSageMakerFullAccess, can be attached right away.
          </Empty>
        }
      />
      {making && <MakePolicy onDone={() => setMaking(false)} />}
    </>
  )
}
