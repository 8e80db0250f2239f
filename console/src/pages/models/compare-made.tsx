/** How the compared versions were made, side by side: what differs is marked. */
import Badge from "@cloudscape-design/components/badge"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { type MadeRow, madeRows, useMade } from "./origins"
import type { Version } from "./packages"

export function CompareMade({ versions }: { versions: readonly Version[] }) {
  const { made, error } = useMade(versions)
  const known = made.every((one) => one !== undefined)
  return (
    <ResourceTable<MadeRow>
      title="How they were made"
      description="Hyperparameters, and digests of all the data and code that the training read, as lineage has them."
      rows={known ? madeRows(made) : undefined}
      error={error}
      id={(one) => one.key}
      param="made"
      pageSize={50}
      noFilter
      columns={[
        { id: "name", header: "Of the training", cell: (one) => one.name, isRowHeader: true },
        {
          id: "differs",
          header: "Compared",
          cell: (one) => (one.differs ? <Badge color="blue">differs</Badge> : "same"),
        },
        ...versions.map((version, at) => ({
          id: version.ModelPackageArn,
          header: `Version ${version.ModelPackageVersion}`,
          cell: (one: MadeRow) => <span className="clary-numbers">{one.values[at] ?? "–"}</span>,
        })),
      ]}
      empty={
        <Empty title="Nothing is known of how they were made">
          Lineage tells it of models that a training job of this home has made.
        </Empty>
      }
    />
  )
}
