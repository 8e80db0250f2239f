/** A pattern to look for, which groups to look in, and how patterns are written. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Multiselect from "@cloudscape-design/components/multiselect"
import Table from "@cloudscape-design/components/table"
import { useLive } from "@/aws/live"
import { bytes } from "@/parts/format"
import { listGroups } from "./reads"
import { EXAMPLES } from "./syntax"

export function GroupsField({ groups, onChange }: { groups: readonly string[]; onChange: (groups: string[]) => void }) {
  const { data, error } = useLive(["log-groups"], listGroups)
  const options = (data ?? []).map((one) => ({
    value: one.logGroupName ?? "",
    label: one.logGroupName ?? "",
    description: bytes(one.storedBytes),
  }))
  const gone = groups.filter((name) => !options.some((one) => one.value === name))
  const known = [...options, ...gone.map((value) => ({ value, label: value, description: "not there" }))]
  return (
    <FormField label="Log groups" errorText={error?.message}>
      <Multiselect
        options={data ? known : options}
        selectedOptions={groups.map((value) => ({ value, label: value }))}
        onChange={({ detail }) => onChange(detail.selectedOptions.flatMap((one) => one.value ?? []))}
        placeholder="Choose groups"
        filteringType="auto"
        statusType={data ? "finished" : "loading"}
        empty="Nothing was logged yet"
      />
    </FormField>
  )
}

type PatternProps = { value: string; onChange: (pattern: string) => void; onEnter: () => void }

export const PatternField = ({ value, onChange, onEnter }: PatternProps) => (
  <FormField label="Pattern" description="Empty: every line.">
    <Input
      value={value}
      type="search"
      placeholder='ERROR, or { $.level = "ERROR" }'
      onChange={({ detail }) => onChange(detail.value)}
      onKeyDown={({ detail }) => detail.key === "Enter" && onEnter()}
    />
  </FormField>
)

export function PatternHelp({ onTry }: { onTry: (pattern: string) => void }) {
  return (
    <ExpandableSection headerText="How patterns are written" variant="footer">
      <Table
        variant="borderless"
        wrapLines
        items={EXAMPLES}
        trackBy="pattern"
        ariaLabels={{ tableLabel: "Examples of patterns" }}
        columnDefinitions={[
          { id: "kind", header: "Kind", cell: (one) => one.kind, isRowHeader: true },
          {
            id: "pattern",
            header: "Pattern",
            cell: (one) => (
              <Button variant="inline-link" onClick={() => onTry(one.pattern)} ariaLabel={`Try ${one.pattern}`}>
                {one.pattern}
              </Button>
            ),
          },
          { id: "means", header: "Finds", cell: (one) => one.means },
          {
            id: "matches",
            header: "For example",
            cell: (one) => <Box variant="code">{one.matches[0]}</Box>,
          },
        ]}
      />
    </ExpandableSection>
  )
}
