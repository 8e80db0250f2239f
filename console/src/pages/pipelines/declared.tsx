/** The parameters that a definition declares. */

import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import type { Parameter } from "./definition"
import { written } from "./parameters"

export function DeclaredParameters({ parameters }: { parameters: Parameter[] }) {
  return (
    <ResourceTable
      title="Parameters"
      description="Each execution may be started with other values."
      rows={parameters}
      id={(one) => one.name}
      noFilter
      columns={[
        { id: "name", header: "Name", text: (one) => one.name, cell: (one) => one.name, isRowHeader: true },
        { id: "type", header: "Type", text: (one) => one.type, cell: (one) => one.type },
        {
          id: "default",
          header: "Default",
          cell: (one) =>
            one.default === undefined ? (
              "None: every execution gives a value"
            ) : (
              <span className="clary-break">{written(one.default) || "(empty)"}</span>
            ),
        },
        { id: "choices", header: "Allowed values", cell: (one) => one.choices.map(written).join(", ") || "Any" },
      ]}
      empty={<Empty title="No parameters">Every execution of this pipeline begins the same.</Empty>}
    />
  )
}
