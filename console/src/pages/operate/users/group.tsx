/** One group: its users and its policies. */
import { DeleteGroupCommand, RemoveUserFromGroupCommand, type User } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { useAct, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { Frame, listed, Read } from "./frame"
import { dropPolicies, Held } from "./held"
import { type Holder, iam, readGroup, userAt } from "./reads"

async function remove(GroupName: string): Promise<void> {
  const holder: Holder = { kind: "group", name: GroupName }
  for (const one of (await readGroup(GroupName)).users)
    await iam().send(new RemoveUserFromGroupCommand({ GroupName, UserName: one.UserName }))
  await dropPolicies(holder)
  await iam().send(new DeleteGroupCommand({ GroupName }))
}

export function GroupPage() {
  const { name = "" } = useParams()
  const group = useLive(["iam", "group", name], () => readGroup(name))
  const leave = useAct(
    (UserName: string) => iam().send(new RemoveUserFromGroupCommand({ UserName, GroupName: name })),
    (_, user) => `${user} is no longer in ${name}`,
  )
  return (
    <Read what="group" view="groups" many="Groups" name={name} found={group}>
      {(found) => (
        <SpaceBetween size="l">
          <Frame
            what="group"
            view="groups"
            name={name}
            remove={() => remove(name)}
            goes={`Its users stay, and may no longer what only the group allowed.${found.users.length ? ` It has ${listed([[found.users.length, "user", "users"]])}.` : ""}`}
          >
            <Facts
              facts={[
                ["ARN", <Copy key="arn" text={found.group?.Arn ?? ""} shown={found.group?.Arn} />],
                ["Made", <Instant key="made" when={found.group?.CreateDate} />],
              ]}
              columns={2}
            />
          </Frame>
          <Held holder={{ kind: "group", name }} />
          <ResourceTable<User>
            title="Users"
            rows={found.users}
            id={(one) => one.Arn ?? ""}
            columns={[
              {
                id: "name",
                header: "User",
                isRowHeader: true,
                text: (one) => one.UserName,
                cell: (one) => <To to={userAt(one.UserName ?? "")}>{one.UserName}</To>,
              },
              {
                id: "leave",
                header: "Actions",
                cell: (one) => (
                  <Button
                    variant="inline-icon"
                    iconName="remove"
                    ariaLabel={`Take ${one.UserName} out of ${name}`}
                    onClick={() => leave.mutate(one.UserName ?? "")}
                  />
                ),
              },
            ]}
            empty={<Empty title="Nobody is in it">A user is added on the user's page.</Empty>}
          />
        </SpaceBetween>
      )}
    </Read>
  )
}
