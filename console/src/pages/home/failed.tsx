import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"
import { type Failure, shortReason } from "./failures"

const COLUMNS: Column<Failure>[] = [
  { id: "kind", header: "What", cell: (one) => one.kind, width: 110 },
  {
    id: "name",
    header: "Name",
    cell: (one) => (
      <span className="clary-break">
        <To to={one.to}>{one.name}</To>
      </span>
    ),
    width: 320,
    minWidth: 160,
  },
  {
    id: "why",
    header: "Why",
    cell: (one) => (
      <span className="clary-break" title={one.why}>
        {shortReason(one.why) || "No reason was given"}
      </span>
    ),
    minWidth: 280,
  },
  { id: "when", header: "When", cell: (one) => <Ago when={one.when} />, width: 130 },
]

export function Failures({ failures }: { failures: readonly Failure[] }) {
  return (
    <ResourceTable<Failure>
      title="Failed last"
      rows={failures}
      columns={COLUMNS}
      id={(one) => `${one.kind} ${one.arn} ${one.when?.getTime()}`}
      param="failed"
      noFilter
      wrap
      empty={<Empty title="Nothing has failed">What fails is told here with its reason.</Empty>}
    />
  )
}
