/** One user: keys, groups, policies, and what the user may. */
import {
  AddUserToGroupCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  type Group,
  RemoveUserFromGroupCommand,
} from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { useAct, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { nameOf } from "@/parts/format"
import { ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { Frame, listed, Read } from "./frame"
import { dropPolicies, Held } from "./held"
import { Keys } from "./keys"
import { groupAt, groupsOf, type Holder, iam, keysOf, listGroups, policiesOf, policyAt, readUser } from "./reads"
import { Simulate } from "./simulate"

/** IAM deletes no user that has something left. */
async function remove(UserName: string): Promise<void> {
  const holder: Holder = { kind: "user", name: UserName }
  for (const key of await keysOf(UserName))
    await iam().send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: key.AccessKeyId }))
  for (const group of await groupsOf(UserName))
    await iam().send(new RemoveUserFromGroupCommand({ UserName, GroupName: group.GroupName }))
  await dropPolicies(holder)
  await iam().send(new DeleteUserCommand({ UserName }))
}

export function UserPage() {
  const { name = "" } = useParams()
  const user = useLive(["iam", "user", name], () => readUser(name))
  const keys = useLive(["iam", "keys", name], () => keysOf(name), { enabled: !!user.data })
  const groups = useLive(["iam", "groups-of", name], () => groupsOf(name), { enabled: !!user.data })
  const holder: Holder = { kind: "user", name }
  const held = useLive(["iam", "held", holder], () => policiesOf(holder), { enabled: !!user.data })
  const goes = listed([
    [keys.data?.length ?? 0, "access key", "access keys"],
    [groups.data?.length ?? 0, "membership of a group", "memberships of groups"],
    [(held.data?.attached.length ?? 0) + (held.data?.inline.length ?? 0), "policy", "policies"],
  ])
  return (
    <Read what="user" view="users" many="Users" name={name} found={user}>
      {(found) => (
        <SpaceBetween size="l">
          <Frame
            what="user"
            view="users"
            name={name}
            remove={() => remove(name)}
            goes={`Whoever signs as ${name} is refused from the next request on.${goes ? ` With the user go ${goes}.` : ""}`}
          >
            <Facts
              facts={[
                ["ARN", <Copy key="arn" text={found.Arn ?? ""} shown={found.Arn} />],
                ["Made", <Instant key="made" when={found.CreateDate} />],
                [
                  "Boundary",
                  found.PermissionsBoundary?.PermissionsBoundaryArn && (
                    <To to={policyAt(found.PermissionsBoundary.PermissionsBoundaryArn)}>
                      {nameOf(found.PermissionsBoundary.PermissionsBoundaryArn)}
                    </To>
                  ),
                ],
                ["Tags", (found.Tags ?? []).map((one) => `${one.Key} = ${one.Value}`).join(", ")],
              ]}
            />
          </Frame>
          <Keys user={name} />
          <Held holder={holder} />
          <Groups user={name} rows={groups.data} error={groups.error} />
          <Simulate arn={found.Arn ?? ""} />
        </SpaceBetween>
      )}
    </Read>
  )
}

type GroupsProps = { user: string; rows: Group[] | undefined; error: Error | null }

function Groups({ user, rows, error }: GroupsProps) {
  const every = useLive(["iam", "groups"], listGroups, { every: false })
  const join = useAct(
    (GroupName: string) => iam().send(new AddUserToGroupCommand({ UserName: user, GroupName })),
    (_, group) => `${user} is in ${group}`,
  )
  const leave = useAct(
    (GroupName: string) => iam().send(new RemoveUserFromGroupCommand({ UserName: user, GroupName })),
    (_, group) => `${user} is no longer in ${group}`,
  )
  const others = (every.data ?? []).filter((one) => !rows?.some((own) => own.GroupName === one.GroupName))
  return (
    <ResourceTable<Group>
      title="Groups"
      rows={rows}
      error={error}
      id={(one) => one.Arn ?? ""}
      noFilter
      actions={
        others.length > 0 && (
          <Select
            ariaLabel="Add to a group"
            placeholder="Add to a group"
            selectedOption={null}
            options={others.map((one) => ({ value: one.GroupName ?? "", label: one.GroupName ?? "" }))}
            onChange={({ detail }) => join.mutate(detail.selectedOption.value ?? "")}
          />
        )
      }
      columns={[
        {
          id: "name",
          header: "Group",
          isRowHeader: true,
          cell: (one) => <To to={groupAt(one.GroupName ?? "")}>{one.GroupName}</To>,
        },
        {
          id: "leave",
          header: "Actions",
          cell: (one) => (
            <Button
              variant="inline-icon"
              iconName="remove"
              ariaLabel={`Take ${user} out of ${one.GroupName}`}
              onClick={() => leave.mutate(one.GroupName ?? "")}
            />
          ),
        },
      ]}
      empty={<Empty title="In no group">A group gives all its users the same policies.</Empty>}
    />
  )
}
