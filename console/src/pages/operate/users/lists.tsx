/** The lists of users, groups, roles and policies. */
import type { Group, Policy, Role, User } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
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

const USERS: Column<User>[] = [
  {
    id: "name",
    header: "User",
    isRowHeader: true,
    text: (one) => one.UserName,
    cell: (one) => <Name to={userAt(one.UserName ?? "")} name={one.UserName} />,
  },
  { id: "path", header: "Path", text: (one) => one.Path, cell: (one) => one.Path },
  { id: "made", header: "Made", text: (one) => one.CreateDate, cell: (one) => <Ago when={one.CreateDate} /> },
]

export function Users() {
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useLive(["iam", "users"], listUsers)
  const make = (
    <Button variant="primary" onClick={() => setMaking(true)}>
      Create user
    </Button>
  )
  return (
    <>
      <ResourceTable<User>
        title="Users"
        rows={data}
        columns={USERS}
        id={(one) => one.Arn ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        actions={make}
        empty={
          <Empty title="No user yet" action={make}>
            You are the owner of this home and may do everything. Others get a user, a key and just what they need.
          </Empty>
        }
      />
      {making && <MakeUser onDone={() => setMaking(false)} />}
    </>
  )
}

const GROUPS: Column<Group>[] = [
  {
    id: "name",
    header: "Group",
    isRowHeader: true,
    text: (one) => one.GroupName,
    cell: (one) => <Name to={groupAt(one.GroupName ?? "")} name={one.GroupName} />,
  },
  { id: "path", header: "Path", text: (one) => one.Path, cell: (one) => one.Path },
  { id: "made", header: "Made", text: (one) => one.CreateDate, cell: (one) => <Ago when={one.CreateDate} /> },
]

export function Groups() {
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useLive(["iam", "groups"], listGroups)
  const make = <Button onClick={() => setMaking(true)}>Create group</Button>
  return (
    <>
      <ResourceTable<Group>
        title="Groups"
        rows={data}
        columns={GROUPS}
        id={(one) => one.Arn ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        actions={make}
        empty={
          <Empty title="No group yet" action={make}>
            A group gives all its users the same policies.
          </Empty>
        }
      />
      {making && <MakeGroup onDone={() => setMaking(false)} />}
    </>
  )
}

const ROLES: Column<Role>[] = [
  {
    id: "name",
    header: "Role",
    isRowHeader: true,
    text: (one) => one.RoleName,
    cell: (one) => <Name to={roleAt(one.RoleName ?? "")} name={one.RoleName} />,
  },
  {
    id: "trusts",
    header: "May be assumed by",
    text: (one) => trusted(document(one.AssumeRolePolicyDocument)).join(", "),
    cell: (one) => (
      <span className="clary-break">{trusted(document(one.AssumeRolePolicyDocument)).join(", ") || "–"}</span>
    ),
  },
  { id: "path", header: "Path", text: (one) => one.Path, cell: (one) => one.Path },
  { id: "made", header: "Made", text: (one) => one.CreateDate, cell: (one) => <Ago when={one.CreateDate} /> },
]

export function Roles() {
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useLive(["iam", "roles"], listRoles)
  const make = <Button onClick={() => setMaking(true)}>Create a role for SageMaker</Button>
  return (
    <>
      <ResourceTable<Role>
        title="Roles"
        rows={data}
        columns={ROLES}
        id={(one) => one.Arn ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        wrap
        actions={make}
        empty={
          <Empty title="No role yet" action={make}>
            Jobs and models act as a role, and may only what its policies allow.
          </Empty>
        }
      />
      {making && <MakeSageMakerRole onDone={() => setMaking(false)} />}
    </>
  )
}

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
