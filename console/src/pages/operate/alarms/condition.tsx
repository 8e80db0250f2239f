/** When an alarm calls: comparison and threshold, how many periods, and what missing data means. */
import ColumnLayout from "@cloudscape-design/components/column-layout"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import type { FieldProps } from "./form"
import { COMPARISONS, MISSING } from "./words"

export function Condition({ form, set, said }: FieldProps) {
  return (
    <ColumnLayout columns={2}>
      <FormField label="It calls when the value">
        <Select
          options={COMPARISONS}
          selectedOption={COMPARISONS.find((one) => one.value === form.comparison) ?? { value: form.comparison }}
          onChange={({ detail }) => set({ comparison: detail.selectedOption.value ?? form.comparison })}
        />
      </FormField>
      <FormField label="Threshold" errorText={said.threshold}>
        <Input
          inputMode="decimal"
          value={form.threshold}
          onChange={({ detail }) => set({ threshold: detail.value })}
          placeholder="100"
        />
      </FormField>
      <FormField label="Periods looked at" errorText={said.periods}>
        <Input
          inputMode="numeric"
          value={form.periods}
          onChange={({ detail }) =>
            // Who never said otherwise means all of them.
            set({ periods: detail.value, ...(form.needed === form.periods ? { needed: detail.value } : {}) })
          }
        />
      </FormField>
      <FormField label="Of which must be beyond it" errorText={said.needed}>
        <Input inputMode="numeric" value={form.needed} onChange={({ detail }) => set({ needed: detail.value })} />
      </FormField>
      <FormField label="What is missing counts as">
        <Select
          options={MISSING}
          selectedOption={MISSING.find((one) => one.value === form.missing) ?? { value: form.missing }}
          onChange={({ detail }) => set({ missing: detail.selectedOption.value ?? form.missing })}
        />
      </FormField>
    </ColumnLayout>
  )
}
