/** Which steps run, and whose results the others keep: a selective execution. */
import FormField from "@cloudscape-design/components/form-field"
import Multiselect from "@cloudscape-design/components/multiselect"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { instant } from "@/parts/format"
import { typeSaid } from "./dag/icon"
import type { Definition } from "./definition"
import { useExecutions } from "./reads"
import { isOver } from "./state"

export type Selection = { steps: string[]; source: string }
export const NOTHING_SELECTED: Selection = { steps: [], source: "" }

/** "": it can be sent. Which results are needed is the server's to say. */
export const selectionProblem = ({ steps }: Selection): string =>
  steps.length > 50 ? "At most 50 steps can be selected." : ""

type Props = {
  pipeline: string
  definition: Definition
  value: Selection
  onChange: (value: Selection) => void
}

export function SelectSteps({ pipeline, definition, value, onChange }: Props) {
  const { data: executions } = useExecutions(pipeline)
  const sources = (executions ?? [])
    .filter((one) => isOver(one.PipelineExecutionStatus))
    .map((one) => ({
      value: one.PipelineExecutionArn ?? "",
      label: one.PipelineExecutionDisplayName ?? one.PipelineExecutionArn ?? "",
      description: `${one.PipelineExecutionStatus}, ${instant(one.StartTime)}`,
    }))
  const options = definition.steps.map((one) => ({
    value: one.name,
    label: one.title,
    description: typeSaid(one.type),
  }))
  return (
    <SpaceBetween size="m">
      <FormField
        label="Steps that run"
        description="Every step between two selected ones must be selected, too. Nothing selected: all run."
        errorText={selectionProblem(value)}
      >
        <Multiselect
          selectedOptions={options.filter((one) => value.steps.includes(one.value))}
          options={options}
          placeholder="All steps"
          deselectAriaLabel={({ label }) => `Leave out ${label}`}
          onChange={({ detail }) =>
            onChange({ ...value, steps: detail.selectedOptions.flatMap((one) => one.value ?? []) })
          }
        />
      </FormField>
      <FormField
        label="Results of the other steps"
        description="The execution from which they are taken. Needed where a selected step builds on one that is not."
      >
        <Select
          selectedOption={sources.find((one) => one.value === value.source) ?? { value: "", label: "None" }}
          options={[{ value: "", label: "None" }, ...sources]}
          disabled={!value.steps.length}
          empty="No execution has ended yet"
          onChange={({ detail }) => onChange({ ...value, source: detail.selectedOption.value ?? "" })}
        />
      </FormField>
    </SpaceBetween>
  )
}
