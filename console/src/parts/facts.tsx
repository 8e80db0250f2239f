/** Name and value in columns: what a resource is. Empty values are shown as a dash, so that the grid stays whole. */
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs"
import type { ReactNode } from "react"

export function Facts({ facts, columns = 4 }: { facts: [string, ReactNode][]; columns?: number }) {
  const items = facts.map(([label, value]) => ({
    label,
    value: value === undefined || value === null || value === "" ? "–" : value,
  }))
  return <KeyValuePairs columns={columns} items={items} />
}
