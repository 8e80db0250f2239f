/** One role: who may assume it, what it may, when it was used, and what acts as it. */
import { DeleteRoleCommand } from "@aws-sdk/client-iam"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { useLive } from "@/aws/live"
import { Copy, Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { duration } from "@/parts/format"
import { Ago, Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { dependents } from "./dependents"
import { Frame, Read } from "./frame"
import { dropPolicies, Held } from "./held"
import { document, type Holder, iam, readRole } from "./reads"
import { Simulate } from "./simulate"
import { trusted } from "./trust"

async function remove(RoleName: string): Promise<void> {
  const holder: Holder = { kind: "role", name: RoleName }
  await dropPolicies(holder)
  await iam().send(new DeleteRoleCommand({ RoleName }))
}

/** AWS's own roles are changed only through the services that made them. */
const isLinked = (path: string | undefined): boolean => path?.startsWith("/aws-service-role/") ?? false

export function RolePage() {
  const { name = "" } = useParams()
  const role = useLive(["iam", "role", name], () => readRole(name))
  const arn = role.data?.Arn ?? ""
  const users = useLive(["iam", "dependents", arn], () => dependents(arn), { enabled: arn !== "", every: false })
  return (
    <Read what="role" view="roles" many="Roles" name={name} found={role}>
      {(found) => {
        const trust = document(found.AssumeRolePolicyDocument)
        return (
          <SpaceBetween size="l">
            <Frame
              what="role"
              view="roles"
              name={name}
              description={found.Description}
              {...(isLinked(found.Path) ? {} : { remove: () => remove(name) })}
              goes={
                <SpaceBetween size="s">
                  <span>Sessions that it lent may nothing from the next request on.</span>
                  {users.data === undefined ? (
                    <span>What acts as it is being looked up …</span>
                  ) : users.data.length === 0 ? (
                    <span>No pipeline, endpoint or schedule acts as it.</span>
                  ) : (
                    <span>
                      These act as it, and will fail: {users.data.map((one) => `${one.kind} ${one.name}`).join(", ")}.
                    </span>
                  )}
                </SpaceBetween>
              }
            >
              <Facts
                facts={[
                  ["ARN", <Copy key="arn" text={arn} shown={arn} />],
                  ["Made", <Instant key="made" when={found.CreateDate} />],
                  [
                    "Last used",
                    found.RoleLastUsed?.LastUsedDate ? (
                      <Ago key="used" when={found.RoleLastUsed.LastUsedDate} />
                    ) : (
                      "Never"
                    ),
                  ],
                  ["Sessions last at most", duration((found.MaxSessionDuration ?? 3_600) * 1_000)],
                  ["May be assumed by", trusted(trust).join(", ")],
                  ["Tags", (found.Tags ?? []).map((one) => `${one.Key} = ${one.Value}`).join(", ")],
                  [
                    "Acts for",
                    users.data?.length ? (
                      <SpaceBetween key="users" size="xxs">
                        {users.data.slice(0, 8).map((one) => (
                          <span key={one.to}>
                            {one.kind} <To to={one.to}>{one.name}</To>
                          </span>
                        ))}
                        {users.data.length > 8 && `and ${users.data.length - 8} more`}
                      </SpaceBetween>
                    ) : undefined,
                  ],
                ]}
              />
            </Frame>
            <Held holder={{ kind: "role", name }} />
            <Container header={<Header variant="h2">Trust policy</Header>}>
              <Json value={trust} label="Trust policy" />
            </Container>
            <Simulate arn={arn} />
          </SpaceBetween>
        )
      }}
    </Read>
  )
}
