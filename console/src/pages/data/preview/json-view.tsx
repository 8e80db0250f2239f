import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type ReactNode, useMemo } from "react"
import { Code } from "@/parts/copy"
import { count } from "@/parts/format"
import { Grid } from "../grid"
import { type Record_, recordsOf } from "./records"

const SHOWN = 100

export function JsonView({ text, lines, cut, note }: { text: string; lines: boolean; cut: boolean; note: ReactNode }) {
  return (
    <SpaceBetween size="xs">
      {lines ? <Lines text={text} cut={cut} /> : <Whole text={text} cut={cut} />}
      {note}
    </SpaceBetween>
  )
}

function Whole({ text, cut }: { text: string; cut: boolean }) {
  const shown = useMemo(() => pretty(text), [text])
  return (
    <>
      {shown.problem && !cut && <Box color="text-status-warning">This is no valid JSON: {shown.problem}</Box>}
      <Code text={shown.text} label="JSON" />
    </>
  )
}

/** JSON without numbers changed on the way: what JSON.parse would round is shown as it is written. */
function pretty(text: string): { text: string; problem?: string } {
  try {
    const value: unknown = JSON.parse(text)
    const exact = !/\d{16,}/.test(text)
    return { text: exact ? JSON.stringify(value, null, 2) : text }
  } catch (error) {
    return { text, problem: error instanceof Error ? error.message : String(error) }
  }
}

function Lines({ text, cut }: { text: string; cut: boolean }) {
  const { records, columns, broken } = useMemo(() => recordsOf(text, SHOWN), [text])
  const rows = records.map((record: Record_) => columns.map((name) => cellOf(record, name)))
  return (
    <>
      <Box color="text-body-secondary">
        {records.length < SHOWN && !cut ? `${count(records.length)} lines` : `The first ${count(records.length)} lines`}
      </Box>
      <Grid
        columns={columns.map((name) => ({
          name,
          right: records.every((record) => record[name] === undefined || typeof record[name] === "number"),
        }))}
        rows={rows}
        label="First lines"
        from={1}
      />
      {broken && <Box color="text-status-warning">{broken}</Box>}
    </>
  )
}

/** A member that is absent is an empty cell; null is null. */
const cellOf = (record: Record_, name: string): unknown => (name in record ? record[name] : "")
