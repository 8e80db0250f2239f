/** The policies of a user, a group or a role: attach, detach, read, and write those of its own. */
import {
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  DeleteGroupPolicyCommand,
  DeleteRolePolicyCommand,
  DeleteUserPolicyCommand,
  DetachGroupPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  PutGroupPolicyCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { To } from "@/shell/link"
import { Fold } from "../fold"
import { type Holder, iam, listPolicies, policiesOf, policyAt } from "./reads"
import { problemOf, SAMPLE_POLICY } from "./trust"

export const attach = ({ kind, name }: Holder, PolicyArn: string): Promise<unknown> =>
  kind === "user"
    ? iam().send(new AttachUserPolicyCommand({ UserName: name, PolicyArn }))
    : kind === "group"
      ? iam().send(new AttachGroupPolicyCommand({ GroupName: name, PolicyArn }))
      : iam().send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn }))

export const detach = ({ kind, name }: Holder, PolicyArn: string): Promise<unknown> =>
  kind === "user"
    ? iam().send(new DetachUserPolicyCommand({ UserName: name, PolicyArn }))
    : kind === "group"
      ? iam().send(new DetachGroupPolicyCommand({ GroupName: name, PolicyArn }))
      : iam().send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn }))

export const putInline = ({ kind, name }: Holder, PolicyName: string, PolicyDocument: string): Promise<unknown> =>
  kind === "user"
    ? iam().send(new PutUserPolicyCommand({ UserName: name, PolicyName, PolicyDocument }))
    : kind === "group"
      ? iam().send(new PutGroupPolicyCommand({ GroupName: name, PolicyName, PolicyDocument }))
      : iam().send(new PutRolePolicyCommand({ RoleName: name, PolicyName, PolicyDocument }))

export const deleteInline = ({ kind, name }: Holder, PolicyName: string): Promise<unknown> =>
  kind === "user"
    ? iam().send(new DeleteUserPolicyCommand({ UserName: name, PolicyName }))
    : kind === "group"
      ? iam().send(new DeleteGroupPolicyCommand({ GroupName: name, PolicyName }))
      : iam().send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName }))

/** The holder has no policy any more: before it can be deleted. */
export async function dropPolicies(holder: Holder): Promise<void> {
  const held = await policiesOf(holder)
  for (const one of held.attached) await detach(holder, one.PolicyArn ?? "")
  for (const one of held.inline) await deleteInline(holder, one.name)
}

type Row = { name: string; arn?: string; document?: unknown }

export function Held({ holder }: { holder: Holder }) {
  const { data, error, refetch } = useLive(["iam", "held", holder], () => policiesOf(holder))
  const [attaching, setAttaching] = useState(false)
  const [writing, setWriting] = useState<{ name: string; text: string } | null>(null)
  const [leaving, setLeaving] = useState<Row | null>(null)
  const rows: Row[] | undefined = data && [
    ...data.attached.map((one) => ({ name: one.PolicyName ?? "", arn: one.PolicyArn ?? "" })),
    ...data.inline,
  ]
  const leave = useAct(
    async (row: Row) => {
      await (row.arn === undefined ? deleteInline(holder, row.name) : detach(holder, row.arn))
      setLeaving(null)
    },
    (_, row) => (row.arn === undefined ? `${row.name} is deleted` : `${row.name} is detached from ${holder.name}`),
    { errorsHere: true },
  )
  return (
    <>
      <ResourceTable<Row>
        title="Policies"
        rows={rows}
        error={error}
        again={() => void refetch()}
        id={(one) => one.arn ?? `inline ${one.name}`}
        noFilter
        wrap
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setWriting({ name: "", text: SAMPLE_POLICY })}>Write inline policy</Button>
            <Button variant="primary" onClick={() => setAttaching(true)}>
              Attach policy
            </Button>
          </SpaceBetween>
        }
        columns={[
          {
            id: "name",
            header: "Policy",
            isRowHeader: true,
            cell: (one) =>
              one.arn ? (
                <To to={policyAt(one.arn)}>{one.name}</To>
              ) : (
                <Fold head={one.name}>
                  <Json value={one.document} label={`The policy ${one.name}`} />
                </Fold>
              ),
          },
          {
            id: "kind",
            header: "Kind",
            cell: (one) =>
              one.arn === undefined ? "Inline" : one.arn.startsWith("arn:aws:iam::aws:") ? "AWS's own" : "Your own",
          },
          {
            id: "acts",
            header: "Actions",
            cell: (one) => (
              <span className="clary-cell-buttons">
                {one.arn === undefined && (
                  <Button
                    variant="inline-icon"
                    iconName="edit"
                    ariaLabel={`Edit ${one.name}`}
                    onClick={() => setWriting({ name: one.name, text: JSON.stringify(one.document, null, 2) })}
                  />
                )}
                <Button
                  variant="inline-icon"
                  iconName="remove"
                  ariaLabel={`${one.arn === undefined ? "Delete" : "Detach"} ${one.name}`}
                  onClick={() => setLeaving(one)}
                />
              </span>
            ),
          },
        ]}
        empty={
          <Empty title={`The ${holder.kind} may do nothing`}>
            Attach a policy: it says what may be done with which resources.
          </Empty>
        }
      />
      {attaching && (
        <Attach
          holder={holder}
          had={data?.attached.map((one) => one.PolicyArn ?? "") ?? []}
          onDone={() => setAttaching(false)}
        />
      )}
      {writing && <Write holder={holder} first={writing} onDone={() => setWriting(null)} />}
      {leaving && (
        <Confirm
          title={`${leaving.arn === undefined ? "Delete" : "Detach"} ${leaving.name}?`}
          verb={leaving.arn === undefined ? "Delete" : "Detach"}
          busy={leave.isPending}
          error={leave.error}
          onYes={() => leave.mutate(leaving)}
          onNo={() => setLeaving(null)}
        >
          From the next request on {holder.name} may no longer what only this policy allows.
        </Confirm>
      )}
    </>
  )
}

function Attach({ holder, had, onDone }: { holder: Holder; had: readonly string[]; onDone: () => void }) {
  const [arn, setArn] = useState("")
  const policies = useLive(["iam", "policies", "All"], () => listPolicies("All"), { every: false })
  const act = useAct(
    async () => {
      if (!arn) throw new Error("Choose a policy.")
      await attach(holder, arn)
      onDone()
    },
    () => `${arn.split("/").at(-1)} is attached to ${holder.name}`,
    { errorsHere: true },
  )
  const own = (policy: { Arn?: string }) => !policy.Arn?.startsWith("arn:aws:iam::aws:")
  const option = (one: { Arn?: string; PolicyName?: string; Description?: string }) => ({
    value: one.Arn ?? "",
    label: one.PolicyName ?? "",
    description: one.Description ?? "",
    disabled: had.includes(one.Arn ?? ""),
  })
  const found = [...(policies.data ?? [])].sort((a, b) => (a.PolicyName ?? "").localeCompare(b.PolicyName ?? ""))
  const groups = [
    { label: "Your own", options: found.filter(own).map(option) },
    { label: "Those of AWS", options: found.filter((one) => !own(one)).map(option) },
  ].filter((one) => one.options.length)
  return (
    <Confirm
      title={`Attach a policy to ${holder.name}`}
      verb="Attach"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      <FormField label="Policy" errorText={policies.error?.message}>
        <Select
          options={groups}
          selectedOption={groups.flatMap((one) => one.options).find((one) => one.value === arn) ?? null}
          onChange={({ detail }) => setArn(detail.selectedOption.value ?? "")}
          placeholder="Choose a policy"
          filteringType="auto"
          expandToViewport
          statusType={policies.data ? "finished" : "loading"}
        />
      </FormField>
    </Confirm>
  )
}

type WriteProps = { holder: Holder; first: { name: string; text: string }; onDone: () => void }

function Write({ holder, first, onDone }: WriteProps) {
  const [{ name, text }, set] = useState(first)
  const problem = problemOf(text)
  const act = useAct(
    async () => {
      if (problem) throw new Error(problem)
      await putInline(holder, name.trim(), text)
      onDone()
    },
    () => `${holder.name} has the policy ${name.trim()}`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={first.name ? `Edit ${first.name}` : "Write inline policy"}
      verb="Save"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      <SpaceBetween size="m">
        <Box color="text-body-secondary">It belongs to this {holder.kind} alone, and ends with it.</Box>
        <FormField label="Name">
          <Input
            value={name}
            disabled={first.name !== ""}
            onChange={({ detail }) => set({ name: detail.value, text })}
            placeholder="read-lake"
          />
        </FormField>
        <FormField label="Document" errorText={problem} stretch>
          <Textarea
            rows={14}
            value={text}
            spellcheck={false}
            onChange={({ detail }) => set({ name, text: detail.value })}
          />
        </FormField>
      </SpaceBetween>
    </Confirm>
  )
}
