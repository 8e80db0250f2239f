/** The alarms that a composite alarm asks, as they stand. */
import type { CompositeAlarm } from "@aws-sdk/client-cloudwatch"
import { FAST_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"
import { readAlarm } from "./reads"
import { type Alarm, asked } from "./words"

export function Children({ alarm }: { alarm: CompositeAlarm }) {
  const names = asked(alarm.AlarmRule ?? "")
  const { data, error, refetch } = useLive(
    ["alarm-children", names],
    async () => (await Promise.all(names.map(readAlarm))).filter((one) => one !== null),
    { every: FAST_MS },
  )
  return (
    <ResourceTable<Alarm>
      title="Asks"
      rows={data}
      id={(one) => one.AlarmArn ?? ""}
      error={error}
      again={() => void refetch()}
      noFilter
      wrap
      columns={[
        {
          id: "name",
          header: "Alarm",
          isRowHeader: true,
          text: (one) => one.AlarmName,
          cell: (one) => (
            <To to={`/operate/alarms/${encodeURIComponent(one.AlarmName ?? "")}`}>{one.AlarmName ?? ""}</To>
          ),
        },
        {
          id: "state",
          header: "State",
          minWidth: 175,
          cell: (one) => <Status status={one.StateValue} />,
          text: (one) => one.StateValue,
        },
        { id: "why", header: "Why", cell: (one) => one.StateReason || "–" },
        { id: "since", header: "Since", cell: (one) => <Ago when={one.StateUpdatedTimestamp} /> },
      ]}
      empty={<Empty title="Its rule asks no alarm" />}
    />
  )
}
