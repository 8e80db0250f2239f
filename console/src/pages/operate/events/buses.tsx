/** All event buses, with how many rules listen on each. */
import type { EventBus } from "@aws-sdk/client-eventbridge"
import { useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { listBuses, listRules } from "./reads"

export function Buses() {
  const { data, error, refetch } = useLive(["events", "buses"], listBuses)
  const rules = useLive(["events", "rules"], listRules)
  return (
    <ResourceTable<EventBus>
      title="Event buses"
      rows={data}
      id={(one) => one.Arn ?? ""}
      error={error}
      again={() => void refetch()}
      wrap
      columns={[
        { id: "name", header: "Bus", isRowHeader: true, text: (one) => one.Name, cell: (one) => one.Name },
        {
          id: "rules",
          header: "Rules",
          cell: (one) => count(rules.data?.filter((row) => row.bus === one.Name).length),
        },
        {
          id: "made",
          header: "Made",
          cell: (one) => (
            <span className="clary-nowrap">
              <Instant when={one.CreationTime} />
            </span>
          ),
          text: (one) => one.CreationTime,
        },
        { id: "policy", header: "Others may send", cell: (one) => (one.Policy ? "By its policy" : "No") },
        {
          id: "arn",
          header: "ARN",
          text: (one) => one.Arn,
          cell: (one) => <Copy text={one.Arn ?? ""} shown={one.Arn} />,
        },
      ]}
      empty={<Empty title="No bus" />}
    />
  )
}
