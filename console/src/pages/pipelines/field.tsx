/** The input for one parameter, by its type. */
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import type { Parameter } from "./definition"
import { same, written } from "./parameters"

type Props = { parameter: Parameter; value: string; problem: string; onChange: (value: string) => void }

export function Field({ parameter, value, problem, onChange }: Props) {
  const { name, type, choices } = parameter
  const fallback = parameter.default === undefined ? "no default" : `default ${written(parameter.default) || "empty"}`
  const differs = parameter.default !== undefined && !same(parameter, value, written(parameter.default))
  const options = type === "Boolean" && !choices.length ? ["true", "false"] : choices.map((one) => written(one))
  return (
    <FormField
      label={name}
      constraintText={`${type}, ${fallback}${differs ? " · changed" : ""}`}
      errorText={problem}
      stretch
    >
      {options.length ? (
        <Select
          selectedOption={value === "" ? null : { value, label: value }}
          placeholder="Choose a value"
          options={options.map((one) => ({ value: one, label: one }))}
          onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
        />
      ) : (
        <Input
          value={value}
          inputMode={type === "Integer" ? "numeric" : type === "Float" ? "decimal" : "text"}
          spellcheck={false}
          onChange={({ detail }) => onChange(detail.value)}
        />
      )}
    </FormField>
  )
}
