/** Two ways to look for a name: S3 knows beginnings at once, however large the folder; anything else is looked through. */
import Select from "@cloudscape-design/components/select"
import TextFilter from "@cloudscape-design/components/text-filter"
import { useEffect, useState } from "react"

export type Filter = { text: string; how: "begins" | "contains" }

const HOW = [
  { value: "begins", label: "begins with" },
  { value: "contains", label: "contains" },
] as const
const PAUSE_MS = 300

export function EntryFilter({ value, onChange }: { value: Filter; onChange: (filter: Filter) => void }) {
  const [text, setText] = useState(value.text)
  useEffect(() => setText(value.text), [value.text])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once typing has paused, not whenever the page is drawn
  useEffect(() => {
    if (text === value.text) return
    const timer = setTimeout(() => onChange({ ...value, text }), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className="clary-filters">
      <TextFilter
        filteringText={text}
        filteringPlaceholder={value.how === "begins" ? "Names that begin with" : "Names that contain"}
        filteringAriaLabel="Filter names"
        filteringClearAriaLabel="Clear the filter"
        onChange={({ detail }) => setText(detail.filteringText)}
      />
      <Select
        ariaLabel="How the filter looks"
        selectedOption={HOW.find((one) => one.value === value.how) ?? HOW[0]}
        options={HOW}
        onChange={({ detail }) =>
          onChange({ text, how: detail.selectedOption.value === "contains" ? "contains" : "begins" })
        }
      />
    </div>
  )
}
