import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { type Snapshot, snapshotsOf } from "./iceberg"

const COLUMNS: Column<Snapshot>[] = [
  {
    id: "when",
    header: "Written",
    cell: (one) => <Instant when={one.when} />,
    text: (one) => one.when,
    sortingField: "when",
    isRowHeader: true,
  },
  {
    id: "id",
    header: "Snapshot",
    cell: (one) => `${one.id}${one.current ? " (current)" : ""}`,
    text: (one) => one.id,
  },
  { id: "operation", header: "Operation", cell: (one) => words(one.operation), text: (one) => one.operation },
  { id: "added", header: "Rows added", cell: (one) => count(one.added) },
  { id: "records", header: "Rows", cell: (one) => count(one.records) },
  { id: "files", header: "Data files", cell: (one) => count(one.files) },
]

/** The past of an Iceberg table, from the metadata file that the catalog names. */
export function Snapshots({ location }: { location: string }) {
  const { data, error, refetch } = useLive(["iceberg", location], () => snapshotsOf(location), { every: false })
  return (
    <ResourceTable
      title="Snapshots"
      param="snapshot"
      rows={data}
      error={error}
      again={() => void refetch()}
      columns={COLUMNS}
      id={(one) => one.id}
      sorted={{ id: "when", descending: true }}
      empty={<Empty title="No snapshots">Nothing has been written to this table yet.</Empty>}
    />
  )
}
