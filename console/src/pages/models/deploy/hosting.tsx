/** On what a model runs, and what is kept of its requests. */
import Autosuggest from "@cloudscape-design/components/autosuggest"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import RadioGroup from "@cloudscape-design/components/radio-group"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Toggle from "@cloudscape-design/components/toggle"
import type { FieldsProps } from "./fields"

const MEMORY = [1, 2, 3, 4, 5, 6].map((gb) => ({ value: String(gb * 1024), label: `${gb} GB` }))

export function Hosting(props: FieldsProps) {
  const { known, wanted, wrong, onChange } = props
  return (
    <SpaceBetween size="l">
      <FormField label="Runs on">
        <RadioGroup
          value={wanted.serverless ? "serverless" : "instances"}
          onChange={({ detail }) =>
            onChange(
              detail.value === "serverless" ? { serverless: true, beside: false, canary: 0 } : { serverless: false },
            )
          }
          items={[
            { value: "instances", label: "Instances", description: "So many model servers, always there." },
            {
              value: "serverless",
              label: "Serverless",
              description: "None while nobody asks; the first request then waits for a start.",
            },
          ]}
        />
      </FormField>
      {wanted.serverless ? (
        <ColumnLayout columns={2}>
          <FormField label="Memory">
            <Select
              options={MEMORY}
              selectedOption={MEMORY.find((one) => one.value === String(wanted.memoryMb)) ?? null}
              onChange={({ detail }) => onChange({ memoryMb: Number(detail.selectedOption.value) })}
            />
          </FormField>
          <FormField label="Requests at once" errorText={wrong.concurrency ?? ""}>
            <Whole value={wanted.concurrency} onChange={(concurrency) => onChange({ concurrency })} />
          </FormField>
        </ColumnLayout>
      ) : (
        <ColumnLayout columns={2}>
          <FormField label="Instance type" errorText={wrong.instanceType ?? ""}>
            <Autosuggest
              value={wanted.instanceType}
              options={known.instanceTypes.map((value) => ({ value }))}
              enteredTextLabel={(text) => `Use ${text}`}
              clearAriaLabel="Clear the instance type"
              onChange={({ detail }) => onChange({ instanceType: detail.value })}
            />
          </FormField>
          <FormField label="Number of instances" errorText={wrong.instances ?? ""}>
            <Whole value={wanted.instances} onChange={(instances) => onChange({ instances })} />
          </FormField>
        </ColumnLayout>
      )}
      <Capture {...props} />
    </SpaceBetween>
  )
}

const Whole = ({ value, onChange }: { value: number; onChange: (value: number) => void }) => (
  <Input
    type="number"
    inputMode="numeric"
    value={Number.isNaN(value) ? "" : String(value)}
    onChange={({ detail }) => onChange(detail.value === "" ? Number.NaN : Math.trunc(Number(detail.value)))}
  />
)

function Capture({ wanted, wrong, onChange }: FieldsProps) {
  return (
    <SpaceBetween size="s">
      <Toggle
        checked={wanted.capture}
        onChange={({ detail }) => onChange({ capture: detail.checked })}
        description="Requests and answers are written to S3, to be looked at and monitored later."
      >
        Capture data
      </Toggle>
      {wanted.capture && (
        <ColumnLayout columns={2}>
          <FormField label="Place in S3" errorText={wrong.captureUri ?? ""}>
            <Input
              value={wanted.captureUri}
              placeholder="s3://bucket/prefix"
              spellcheck={false}
              onChange={({ detail }) => onChange({ captureUri: detail.value })}
            />
          </FormField>
          <FormField label="Percent of the requests" errorText={wrong.capturePercent ?? ""}>
            <Whole value={wanted.capturePercent} onChange={(capturePercent) => onChange({ capturePercent })} />
          </FormField>
        </ColumnLayout>
      )}
    </SpaceBetween>
  )
}
