/** The choices of a deployment: in how many parts, how long each is watched, and what takes it back. */
import Box from "@cloudscape-design/components/box"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Multiselect from "@cloudscape-design/components/multiselect"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import type { Alarm } from "../alarms-of"
import { KINDS, type Policy, planned, SIZES } from "./policy"

type Props = { policy: Policy; alarms: Alarm[]; onChange: (policy: Policy) => void }

export function How({ policy, alarms, onChange }: Props) {
  const set = (some: Partial<Policy>) => onChange({ ...policy, ...some })
  const sizes = SIZES[policy.kind]
  const options = alarms.map(({ name, what }) => ({ value: name, label: name, description: what }))
  const seconds = (text: string) => Math.min(3_600, Math.max(0, Math.round(Number(text) || 0)))
  return (
    <SpaceBetween size="m">
      <div className="clary-fields">
        <FormField label="How the traffic moves">
          <Select
            options={KINDS}
            selectedOption={KINDS.find((one) => one.value === policy.kind) ?? null}
            onChange={({ detail }) => {
              const kind = KINDS.find((one) => one.value === detail.selectedOption.value)?.value ?? policy.kind
              // Parts that nobody watches would be no parts: a minute, until somebody says otherwise.
              set({ kind, wait: kind === "ALL_AT_ONCE" ? 0 : policy.wait || 60 })
            }}
          />
        </FormField>
        {sizes && (
          <FormField label="Part, in %" constraintText={`${sizes[0]} to ${sizes[1]}`}>
            <Input
              type="number"
              value={String(policy.size)}
              onChange={({ detail }) => set({ size: Number(detail.value) })}
              onBlur={() => set({ size: Math.min(sizes[1], Math.max(sizes[0], Math.round(policy.size))) })}
            />
          </FormField>
        )}
        <FormField label="Watch each part for, in s" constraintText="0 to 3,600">
          <Input
            type="number"
            value={String(policy.wait)}
            onChange={({ detail }) => set({ wait: seconds(detail.value) })}
          />
        </FormField>
        {policy.kind !== "ROLLING" && (
          <FormField label="Keep the old instances for, in s" constraintText="After the last part">
            <Input
              type="number"
              value={String(policy.keep)}
              onChange={({ detail }) => set({ keep: seconds(detail.value) })}
            />
          </FormField>
        )}
        <FormField
          label="Taken back when one of these calls"
          constraintText={options.length ? undefined : "No alarm looks at this endpoint yet"}
        >
          <Multiselect
            options={options}
            selectedOptions={options.filter((one) => policy.alarms.includes(one.value))}
            placeholder="No alarm"
            disabled={options.length === 0}
            onChange={({ detail }) => set({ alarms: detail.selectedOptions.flatMap((one) => one.value ?? []) })}
          />
        </FormField>
      </div>
      <Box color="text-body-secondary">{planned(policy)}</Box>
    </SpaceBetween>
  )
}
