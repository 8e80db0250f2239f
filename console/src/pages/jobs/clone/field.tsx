/** One member of a request as a control. */
import AttributeEditor from "@cloudscape-design/components/attribute-editor"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { useState } from "react"
import type { Json } from "./document"
import { type Field, type Pair, pairsOf, pairsTo } from "./fields"

type Props = { field: Field; value: Json | undefined; disabled: boolean; onChange: (value: Json | undefined) => void }

export function FieldOf({ field, value, disabled, onChange }: Props) {
  if (field.type === "pairs") return <Pairs field={field} value={value} disabled={disabled} onChange={onChange} />
  const text = value === undefined || value === null ? "" : String(value)
  return (
    <FormField label={field.label} description={field.hint} stretch>
      <Input
        value={text}
        disabled={disabled}
        type={field.type === "number" ? "number" : "text"}
        onChange={({ detail }) => {
          if (field.type === "number") onChange(detail.value === "" ? undefined : Number(detail.value))
          else onChange(detail.value === "" ? undefined : detail.value)
        }}
      />
    </FormField>
  )
}

/** Names and values. A row that has no name yet lives here only, until it has one. */
function Pairs({ field, value, disabled, onChange }: Props) {
  const given = pairsOf(value)
  const [draft, setDraft] = useState<Pair[] | null>(null)
  const same = draft !== null && JSON.stringify(pairsTo(draft) ?? {}) === JSON.stringify(pairsTo(given) ?? {})
  const rows = same && draft ? draft : given
  const change = (next: Pair[]) => {
    setDraft(next)
    onChange(pairsTo(next))
  }
  return (
    <FormField label={field.label} stretch>
      <AttributeEditor<Pair>
        items={rows}
        addButtonText={`Add to ${field.label.toLowerCase()}`}
        removeButtonText="Remove"
        removeButtonAriaLabel={(one) => `Remove ${one.name || "the empty row"}`}
        disableAddButton={disabled}
        empty="None"
        onAddButtonClick={() => change([...rows, { name: "", value: "" }])}
        onRemoveButtonClick={({ detail }) => change(rows.filter((_, at) => at !== detail.itemIndex))}
        definition={[
          {
            label: "Name",
            control: (one, at) => (
              <Input
                value={one.name}
                disabled={disabled}
                ariaLabel={`Name of ${one.name || "a new row"}`}
                onChange={({ detail }) =>
                  change(rows.map((row, n) => (n === at ? { ...row, name: detail.value } : row)))
                }
              />
            ),
          },
          {
            label: "Value",
            control: (one, at) => (
              <Input
                value={one.value}
                disabled={disabled}
                ariaLabel={`Value of ${one.name || "a new row"}`}
                onChange={({ detail }) =>
                  change(rows.map((row, n) => (n === at ? { ...row, value: detail.value } : row)))
                }
              />
            ),
          },
        ]}
      />
    </FormField>
  )
}
