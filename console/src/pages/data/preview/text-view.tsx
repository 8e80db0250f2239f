import SpaceBetween from "@cloudscape-design/components/space-between"
import type { ReactNode } from "react"
import { Code } from "@/parts/copy"

/** So much is drawn at once; more would make the page slow. */
const DRAWN = 200_000

export function TextView({ text, note }: { text: string; note: ReactNode }) {
  return (
    <SpaceBetween size="xs">
      <Code text={text.slice(0, DRAWN)} label="Text" />
      {note}
    </SpaceBetween>
  )
}
