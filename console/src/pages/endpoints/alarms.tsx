/** The alarms that look at an endpoint. */
import Button from "@cloudscape-design/components/button"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import type { Alarm } from "./alarms-of"

const COLUMNS: Column<Alarm>[] = [
  {
    id: "name",
    header: "Alarm",
    cell: (one) => (
      <span className="clary-break">
        <To to={`/operate/alarms/${encodeURIComponent(one.name)}`}>{one.name}</To>
      </span>
    ),
    text: (one) => one.name,
    sortingField: "name",
    isRowHeader: true,
  },
  {
    id: "state",
    header: "State",
    cell: (one) => <Status status={one.state} />,
    text: (one) => one.state,
    sortingField: "state",
  },
  { id: "what", header: "Calls when", cell: (one) => one.what, text: (one) => one.what },
  { id: "reason", header: "Why", cell: (one) => one.reason || "–", text: (one) => one.reason },
  {
    id: "since",
    header: "Since",
    cell: (one) => <Ago when={one.since} />,
    text: (one) => one.since,
    sortingField: "since",
  },
  { id: "by", header: "Made by", cell: (one) => (one.tracking ? "Autoscaling" : "A person or a program") },
]

type Props = { alarms: Alarm[] | undefined; error: Error | null; endpoint: string }

export function AlarmsTab({ alarms, error, endpoint }: Props) {
  const follow = useFollow()
  const all = (
    <Button href={consoleHref("/operate/alarms")} onFollow={follow}>
      All alarms
    </Button>
  )
  return (
    <ResourceTable<Alarm>
      title="Alarms"
      description={`On metrics of ${endpoint}, and composite alarms that ask those`}
      rows={alarms}
      columns={COLUMNS}
      id={(one) => one.arn}
      error={error}
      actions={all}
      wrap
      sorted={{ id: "state" }}
      empty={
        <Empty title="No alarm looks at this endpoint" action={all}>
          An alarm on its errors or latency can call somebody, and take an update back by itself.
        </Empty>
      }
    />
  )
}
