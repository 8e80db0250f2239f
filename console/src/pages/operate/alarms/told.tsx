/** Whom an alarm tells, by its state. */
import Box from "@cloudscape-design/components/box"
import Checkbox from "@cloudscape-design/components/checkbox"
import FormField from "@cloudscape-design/components/form-field"
import Multiselect from "@cloudscape-design/components/multiselect"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useLive } from "@/aws/live"
import { Code } from "@/parts/copy"
import { Problem } from "@/parts/problem"
import type { FieldProps } from "./form"
import { topics } from "./reads"

const LISTS = [
  ["alarmActions", "When it goes to alarm"],
  ["okActions", "When it is OK again"],
  ["dataActions", "When there is not enough data"],
] as const

export function Told({ form, set }: FieldProps) {
  const { data, error, refetch } = useLive(["sns-topics"], topics, { every: 5_000 })
  // What is there already, such as a scaling policy, stays choosable, whatever it is.
  const known = [...new Set([...(data ?? []), ...form.alarmActions, ...form.okActions, ...form.dataActions])]
  const options = known.map((value) => ({ value, label: value.split(":").slice(5).join(":"), description: value }))
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  return (
    <SpaceBetween size="m">
      <Box color="text-body-secondary">
        Every change of state is told to the event bus, whatever is chosen here: a rule can start a pipeline by it.
      </Box>
      {known.length === 0 ? (
        <SpaceBetween size="xs">
          <Box>No topic is there that it could tell. Make one, and it appears here:</Box>
          <Code label="A topic" text="clary run -- aws sns create-topic --name on-call" />
        </SpaceBetween>
      ) : (
        <SpaceBetween size="m">
          {LISTS.map(([key, label]) => (
            <FormField key={key} label={label}>
              <Multiselect
                options={options}
                selectedOptions={options.filter((one) => form[key].includes(one.value))}
                onChange={({ detail }) => set({ [key]: detail.selectedOptions.flatMap((one) => one.value ?? []) })}
                placeholder="Tell nobody"
              />
            </FormField>
          ))}
          <Checkbox checked={form.enabled} onChange={({ detail }) => set({ enabled: detail.checked })}>
            Its actions are on
          </Checkbox>
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}
