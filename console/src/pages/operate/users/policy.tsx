/** One policy: its document, its versions, and who has it. */
import { CreatePolicyVersionCommand, DeletePolicyCommand, DeletePolicyVersionCommand } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy, Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { ResourceTable } from "@/parts/resource-table"
import { Ago, Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { Frame, listed, Read } from "./frame"
import { detach } from "./held"
import { type Holder, holderAt, holdersOf, iam, readPolicy } from "./reads"
import { problemOf } from "./trust"

const KINDS = { user: "User", group: "Group", role: "Role" }
/** AWS keeps five versions of a policy; the oldest one makes room. */
const MOST_VERSIONS = 5

async function remove(PolicyArn: string): Promise<void> {
  for (const holder of await holdersOf(PolicyArn)) await detach(holder, PolicyArn)
  for (const one of (await readPolicy(PolicyArn)).versions)
    if (!one.IsDefaultVersion) await iam().send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: one.VersionId }))
  await iam().send(new DeletePolicyCommand({ PolicyArn }))
}

export function PolicyPage() {
  const [params] = useSearchParams()
  const arn = params.get("arn") ?? ""
  const name = arn.split("/").at(-1) ?? arn
  const own = !arn.startsWith("arn:aws:iam::aws:")
  const [editing, setEditing] = useState(false)
  const policy = useLive(["iam", "policy", arn], () => readPolicy(arn))
  return (
    <Read what="policy" view="policies" many="Policies" name={name} found={policy}>
      {(found) => (
        <SpaceBetween size="l">
          <Frame
            what="policy"
            view="policies"
            name={name}
            description={found.policy?.Description}
            {...(own ? { remove: () => remove(arn) } : {})}
            goes={
              found.holders.length
                ? `It is detached from ${listed([[found.holders.length, "holder", "holders"]])} first: ${found.holders.map((one) => one.name).join(", ")}.`
                : "Nobody has it."
            }
          >
            <Facts
              facts={[
                ["ARN", <Copy key="arn" text={arn} shown={arn} />],
                ["Kind", own ? "Your own" : "AWS's own"],
                ["Version", found.policy?.DefaultVersionId],
                ["Changed", <Ago key="changed" when={found.policy?.UpdateDate} />],
              ]}
            />
          </Frame>
          <Container
            header={
              <Header variant="h2" actions={own && <Button onClick={() => setEditing(true)}>Edit</Button>}>
                Document
              </Header>
            }
          >
            <Json value={found.document} label="Policy" />
          </Container>
          <ResourceTable<Holder>
            title="Attached to"
            rows={found.holders}
            id={(one) => `${one.kind} ${one.name}`}
            columns={[
              {
                id: "name",
                header: "Name",
                isRowHeader: true,
                text: (one) => one.name,
                cell: (one) => <To to={holderAt(one)}>{one.name}</To>,
              },
              { id: "kind", header: "Kind", text: (one) => one.kind, cell: (one) => KINDS[one.kind] },
            ]}
            empty={<Empty title="Attached to nobody" />}
          />
          {found.versions.length > 1 && (
            <ResourceTable
              title="Versions"
              rows={found.versions}
              id={(one) => one.VersionId ?? ""}
              noFilter
              columns={[
                { id: "id", header: "Version", isRowHeader: true, cell: (one) => one.VersionId },
                { id: "made", header: "Made", cell: (one) => <Instant when={one.CreateDate} /> },
                { id: "holds", header: "Holds", cell: (one) => (one.IsDefaultVersion ? "Yes" : "No") },
              ]}
              empty={null}
            />
          )}
          {editing && (
            <Edit
              arn={arn}
              first={JSON.stringify(found.document, null, 2)}
              oldest={
                found.versions.length >= MOST_VERSIONS
                  ? found.versions.filter((one) => !one.IsDefaultVersion).at(-1)?.VersionId
                  : undefined
              }
              onDone={() => setEditing(false)}
            />
          )}
        </SpaceBetween>
      )}
    </Read>
  )
}

type EditProps = { arn: string; first: string; oldest: string | undefined; onDone: () => void }

function Edit({ arn, first, oldest, onDone }: EditProps) {
  const [text, setText] = useState(first)
  const problem = problemOf(text)
  const act = useAct(
    async () => {
      if (problem) throw new Error(problem)
      if (oldest) await iam().send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: oldest }))
      await iam().send(new CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: text, SetAsDefault: true }))
      onDone()
    },
    "The policy has a new version, which holds from the next request on",
    { errorsHere: true },
  )
  return (
    <Confirm
      title="Edit the policy"
      verb="Save as a new version"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      <FormField
        label="Document"
        errorText={problem}
        warningText={oldest ? `There are ${MOST_VERSIONS} versions: ${oldest} goes.` : undefined}
        stretch
      >
        <Textarea rows={18} value={text} spellcheck={false} onChange={({ detail }) => setText(detail.value)} />
      </FormField>
    </Confirm>
  )
}
