/** What an alarm went through: changes of its state, what it did, what was changed about it. */
import type { AlarmHistoryItem } from "@aws-sdk/client-cloudwatch"
import { FAST_MS, useLive } from "@/aws/live"
import { Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Instant } from "@/parts/time"
import { Fold } from "../fold"
import { history } from "./reads"
import { KINDS, stateAfter } from "./words"

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "")
  } catch {
    return text
  }
}

const kind = (one: AlarmHistoryItem): string => KINDS[one.HistoryItemType ?? ""] ?? one.HistoryItemType ?? "–"

const COLUMNS: Column<AlarmHistoryItem>[] = [
  {
    id: "when",
    header: "When",
    cell: (one) => (
      <span className="clary-nowrap">
        <Instant when={one.Timestamp} />
      </span>
    ),
    text: (one) => one.Timestamp,
  },
  { id: "kind", header: "What", cell: kind, text: kind },
  {
    id: "state",
    header: "State",
    minWidth: 175,
    text: stateAfter,
    cell: (one) => (stateAfter(one) ? <Status status={stateAfter(one)} /> : "–"),
  },
  {
    id: "summary",
    header: "Summary",
    minWidth: 280,
    isRowHeader: true,
    text: (one) => one.HistorySummary,
    cell: (one) => (
      <Fold head={one.HistorySummary ?? "–"}>
        <Json value={parsed(one.HistoryData)} label="Data" />
      </Fold>
    ),
  },
]

export function History({ name }: { name: string }) {
  const { data, error, refetch } = useLive(["alarm-history", name], () => history(name), { every: FAST_MS * 2 })
  return (
    <ResourceTable<AlarmHistoryItem>
      title="History"
      rows={data}
      columns={COLUMNS}
      id={(one) => `${one.Timestamp?.getTime()} ${one.HistoryItemType} ${one.HistorySummary}`}
      error={error}
      again={() => void refetch()}
      wrap
      empty={<Empty title="Nothing has happened to it yet" />}
    />
  )
}
