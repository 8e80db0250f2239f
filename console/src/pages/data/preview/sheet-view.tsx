import Box from "@cloudscape-design/components/box"
import Checkbox from "@cloudscape-design/components/checkbox"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type ReactNode, useMemo, useState } from "react"
import { Grid } from "../grid"
import { isNumeric, sheetOf } from "./rows"

const SHOWN = 100

export function SheetView({ text, cut, tabs, note }: { text: string; cut: boolean; tabs: boolean; note: ReactNode }) {
  // null: as it was guessed.
  const [header, setHeader] = useState<boolean | null>(null)
  const delimiter = tabs ? "\t" : delimiterOf(text)
  const sheet = useMemo(() => sheetOf(text, delimiter, SHOWN, cut, header), [text, delimiter, cut, header])
  const columns = sheet.types.map((type, at) => ({
    name: sheet.header?.[at] ?? `column ${at + 1}`,
    type,
    right: isNumeric(type),
  }))
  return (
    <SpaceBetween size="xs">
      <SpaceBetween direction="horizontal" size="l">
        <Checkbox checked={sheet.header !== null} onChange={({ detail }) => setHeader(detail.checked)}>
          The first row names the columns
        </Checkbox>
        <Box color="text-body-secondary">
          {sheet.rows.length < SHOWN && !cut ? `${sheet.rows.length} rows` : `The first ${sheet.rows.length} rows`},{" "}
          {columns.length} {columns.length === 1 ? "column" : "columns"}
        </Box>
      </SpaceBetween>
      <Grid columns={columns} rows={sheet.rows} label="First rows" from={1} />
      {sheet.problem && <Box color="text-status-warning">{sheet.problem}</Box>}
      {note}
    </SpaceBetween>
  )
}

/** Files called .csv may be parted by semicolons, bars or tabs. */
export function delimiterOf(text: string): string {
  const line = text.slice(0, text.search(/\r?\n|$/))
  const counted = [",", ";", "\t", "|"].map((mark) => ({ mark, times: line.split(mark).length }))
  return counted.reduce((best, one) => (one.times > best.times ? one : best)).mark
}
