import Box from "@cloudscape-design/components/box"
import { Empty } from "@/parts/empty"
import { words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Took } from "@/parts/time"
import { To } from "@/shell/link"
import type { Going } from "./running"

const COLUMNS: Column<Going>[] = [
  { id: "kind", header: "What", cell: (one) => one.kind, width: 110 },
  {
    id: "name",
    header: "Name",
    cell: (one) => (
      <span className="clary-break">
        <To to={one.to}>{one.name}</To>
        {one.waits?.why && <Box variant="small">{one.waits.why}</Box>}
      </span>
    ),
  },
  {
    id: "status",
    header: "Status",
    cell: (one) => <Status status={one.waits ? "Pending" : RUNS} said={one.waits ? "Waits" : inWords(one.status)} />,
    width: 170,
  },
  { id: "since", header: "For", cell: (one) => <Took from={one.since} to={undefined} />, width: 120 },
]
const RUNS = "InProgress"

/** "InProgress" and Glue's "RUNNING" as people write. */
const inWords = (status: string) => words(/^[A-Z_]+$/.test(status) ? status.toLowerCase() : status)

export function RunningTable({ going }: { going: readonly Going[] }) {
  return (
    <ResourceTable<Going>
      title="Running now"
      rows={going}
      columns={COLUMNS}
      id={(one) => `${one.kind} ${one.to}`}
      pageSize={10}
      param="running"
      noFilter
      empty={
        <Empty title="Nothing runs">
          Jobs, runs of pipelines and endpoints that change are shown here while they are under way.
        </Empty>
      }
    />
  )
}
