/** The fields of a deployment: where, how the traffic moves, on what, as whom, and what is kept of the requests. */
import ColumnLayout from "@cloudscape-design/components/column-layout"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import RadioGroup from "@cloudscape-design/components/radio-group"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useRef, useState } from "react"
import { inWords } from "@/aws/live"
import { percent, words } from "@/parts/format"
import { Hosting } from "./hosting"
import { adopted, type Known } from "./learn"
import { type Now, shareOf, suggestedEndpoint, type Wanted, type What } from "./plan"
import { suggestedRole } from "./roles"
import { nowOf } from "./run"

export type Wrong = Partial<Record<keyof Wanted, string>>
export type FieldsProps = {
  known: Known
  wanted: Wanted
  now: Now | undefined
  wrong: Wrong
  onChange: (change: Partial<Wanted>) => void
  onNow: (now: Now | undefined) => void
}

const SETTLED = ["InService", "UpdateRollbackFailed", "OutOfService"]

export function Fields(props: FieldsProps) {
  return (
    <SpaceBetween size="l">
      <Where {...props} />
      {!props.wanted.fresh && props.wanted.endpoint && <Traffic {...props} />}
      <Hosting {...props} />
      {!("model" in props.known.what) && <ActsAs {...props} />}
    </SpaceBetween>
  )
}

function Where({ known, wanted, wrong, onChange, onNow }: FieldsProps) {
  const [reading, setReading] = useState("")
  const [error, setError] = useState("")
  const latest = useRef("")
  const names = known.endpoints.map((one) => one.name)
  const stem = "model" in known.what ? known.what.model : known.what.group || "model"
  const make = () => {
    latest.current = ""
    setReading("")
    setError("")
    onNow(undefined)
    onChange({ fresh: true, beside: false, canary: 0, endpoint: suggestedEndpoint(stem, names) })
  }
  const choose = async (endpoint: string) => {
    latest.current = endpoint
    setError("")
    onNow(undefined)
    onChange({ fresh: false, endpoint })
    if (!endpoint) return
    setReading(endpoint)
    try {
      const now = await nowOf(endpoint)
      const role = await suggestedRole(known.roles, now, known.generatedBy)
      if (latest.current !== endpoint) return // another one was chosen meanwhile
      onNow(now)
      onChange({ ...adopted(now), ...(role ? { role } : {}) })
    } catch (problem) {
      if (latest.current === endpoint) setError(inWords(problem))
    }
    if (latest.current === endpoint) setReading("")
  }
  const options = known.endpoints.map((one) => ({
    value: one.name,
    label: one.name,
    description: one.serves ? `serves ${one.serves}` : "",
    labelTag: words(one.status),
    disabled: !SETTLED.includes(one.status),
    disabledReason: `It is ${words(one.status).toLowerCase()}.`,
  }))
  return (
    <SpaceBetween size="s">
      <FormField label="Where">
        <RadioGroup
          value={wanted.fresh ? "fresh" : "there"}
          ariaRequired
          onChange={({ detail }) => (detail.value === "fresh" ? make() : void choose(""))}
          items={[
            { value: "fresh", label: "A new endpoint" },
            {
              value: "there",
              label: "An endpoint that is there",
              description: names.length ? "It is updated, and serves all the while." : "There is none yet.",
              disabled: names.length === 0,
            },
          ]}
        />
      </FormField>
      {wanted.fresh ? (
        <FormField label="Name of the endpoint" errorText={wrong.endpoint ?? ""}>
          <Input
            value={wanted.endpoint}
            onChange={({ detail }) => onChange({ endpoint: detail.value })}
            spellcheck={false}
          />
        </FormField>
      ) : (
        <FormField label="Endpoint" errorText={error || (wrong.endpoint ?? "")}>
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === wanted.endpoint) ?? null}
            placeholder="Choose an endpoint"
            filteringType={options.length > 8 ? "auto" : "none"}
            statusType={reading ? "loading" : "finished"}
            onChange={({ detail }) => void choose(detail.selectedOption.value ?? "")}
          />
        </FormField>
      )}
    </SpaceBetween>
  )
}

const CANARIES = [
  { value: "0", label: "All at once, when the new instances answer" },
  { value: "10", label: "10 % of the traffic for a minute, then all" },
  { value: "25", label: "25 % of the traffic for a minute, then all" },
  { value: "50", label: "Half of the traffic for a minute, then all" },
]

/** As `servedBy` says it of an endpoint. */
const calledOf = (what: What): string =>
  "model" in what ? what.model : (what.packageArn.split(":model-package/")[1] ?? what.packageArn)

function Traffic({ known, wanted, now, wrong, onChange }: FieldsProps) {
  const serves = known.endpoints.find((one) => one.name === wanted.endpoint)?.serves || "what serves now"
  // A serverless variant stands alone.
  const alone = wanted.serverless || now?.config?.ProductionVariants?.some((one) => one.ServerlessConfig) === true
  return (
    <ColumnLayout columns={2}>
      <FormField label="Traffic">
        <RadioGroup
          value={wanted.beside ? "beside" : "replace"}
          onChange={({ detail }) => onChange({ beside: detail.value === "beside", canary: 0 })}
          items={[
            {
              value: "replace",
              label: `Replace ${serves}`,
              description: serves === calledOf(known.what) ? "It is this version already." : "",
            },
            {
              value: "beside",
              label: `Keep ${serves} beside it`,
              description: alone ? "Not with serverless variants." : "Requests are shared by weight.",
              disabled: alone,
            },
          ]}
        />
      </FormField>
      {wanted.beside ? (
        <FormField
          label="Weight of the new variant"
          errorText={wrong.weight ?? ""}
          description={`With the weights of now it gets ${percent(shareOf(wanted, now), 0)} of the traffic.`}
        >
          <Input
            type="number"
            inputMode="decimal"
            step="any"
            value={String(wanted.weight)}
            onChange={({ detail }) => onChange({ weight: Number(detail.value) })}
          />
        </FormField>
      ) : (
        <FormField label="How it moves">
          <Select
            options={CANARIES}
            selectedOption={CANARIES.find((one) => one.value === String(wanted.canary)) ?? null}
            onChange={({ detail }) => onChange({ canary: Number(detail.selectedOption.value) })}
          />
        </FormField>
      )}
    </ColumnLayout>
  )
}

function ActsAs({ known, wanted, wrong, onChange }: FieldsProps) {
  const options = known.roles.map((one) => ({ value: one.arn, label: one.name, description: one.arn }))
  return (
    <FormField
      label="Role"
      description="What the model may read and write. It must be allowed to read the model's data."
      errorText={wrong.role ?? ""}
    >
      <Select
        options={options}
        selectedOption={options.find((one) => one.value === wanted.role) ?? null}
        placeholder="Choose a role"
        empty="There is no role that SageMaker may assume. Make one with the service sagemaker.amazonaws.com in its trust policy, under Operate, Users and roles."
        filteringType={options.length > 8 ? "auto" : "none"}
        triggerVariant="option"
        onChange={({ detail }) => onChange({ role: detail.selectedOption.value ?? "" })}
      />
    </FormField>
  )
}
