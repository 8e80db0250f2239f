/** All alarms: their state, why, and since when. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import { useSearchParams } from "react-router"
import { FAST_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import { usePage } from "@/shell/title"
import { listAlarms } from "./reads"
import { type Alarm, actionsOf, calls, isComposite } from "./words"

const FIRST: Record<string, number> = { ALARM: 0, INSUFFICIENT_DATA: 1, OK: 2 }

/** How much it does when its state changes; empty: nothing but telling the event bus. */
function acts(one: Alarm): string {
  const n = actionsOf(one).flatMap((each) => each.arns).length
  return n === 0 ? "" : `${n} ${n === 1 ? "action" : "actions"}${one.ActionsEnabled ? "" : ", off"}`
}

const COLUMNS: Column<Alarm>[] = [
  {
    id: "name",
    header: "Alarm",
    isRowHeader: true,
    minWidth: 160,
    text: (one) => one.AlarmName,
    cell: (one) => (
      <span className="clary-break">
        <To to={`/operate/alarms/${encodeURIComponent(one.AlarmName ?? "")}`}>{one.AlarmName}</To>
        {one.AlarmDescription && (
          <Box variant="small" color="text-body-secondary" display="block">
            {one.AlarmDescription}
          </Box>
        )}
      </span>
    ),
  },
  {
    id: "state",
    header: "State",
    minWidth: 175,
    text: (one) => one.StateValue,
    cell: (one) => (
      <>
        <Status status={one.StateValue} />
        <Box variant="small" color="text-body-secondary" display="block">
          {acts(one)}
        </Box>
      </>
    ),
    // What calls stands first.
    sortingComparator: (a, b) => (FIRST[a.StateValue ?? ""] ?? 9) - (FIRST[b.StateValue ?? ""] ?? 9),
  },
  { id: "calls", header: "Calls when", minWidth: 200, cell: calls, text: calls },
  { id: "why", header: "Why", minWidth: 220, cell: (one) => one.StateReason || "–", text: (one) => one.StateReason },
  {
    id: "since",
    header: "Since",
    text: (one) => one.StateUpdatedTimestamp,
    cell: (one) => <Ago when={one.StateUpdatedTimestamp} />,
  },
]

const STATES = [
  { value: "", label: "Every state" },
  { value: "ALARM", label: "In alarm" },
  { value: "OK", label: "OK" },
  { value: "INSUFFICIENT_DATA", label: "Not enough data" },
]

export function AlarmList() {
  usePage([{ text: "Alarms", href: "/operate/alarms" }])
  const follow = useFollow()
  const [params, setParams] = useSearchParams()
  const state = params.get("state") ?? ""
  const { data, error, refetch } = useLive(["alarms"], listAlarms, { every: FAST_MS * 2 })
  const make = (
    <Button variant="primary" href={consoleHref("/operate/alarms?make=")} onFollow={follow}>
      Create alarm
    </Button>
  )
  return (
    <ResourceTable<Alarm>
      title="Alarms"
      headingLevel="h1"
      description={
        data?.some((one) => !isComposite(one))
          ? "Each looks at a metric once a minute and calls when it is beyond its threshold."
          : undefined
      }
      rows={data?.filter((one) => !state || one.StateValue === state)}
      columns={COLUMNS}
      id={(one) => one.AlarmArn ?? ""}
      error={error}
      again={() => void refetch()}
      sorted={{ id: "state" }}
      wrap
      actions={make}
      filters={
        <Select
          ariaLabel="State"
          options={STATES}
          selectedOption={STATES.find((one) => one.value === state) ?? { value: state, label: state }}
          onChange={({ detail }) =>
            setParams(
              (now) => {
                if (detail.selectedOption.value) now.set("state", detail.selectedOption.value)
                else now.delete("state")
                return now
              },
              { replace: true },
            )
          }
        />
      }
      empty={
        state ? (
          <Empty
            title={`No alarm is in that state`}
            action={<Button onClick={() => setParams({}, { replace: true })}>Show all</Button>}
          />
        ) : (
          <Empty title="No alarm yet" action={make}>
            An alarm looks at a metric and calls when it goes beyond a threshold: it tells a topic, scales an endpoint,
            starts a pipeline by a rule, or takes a deployment back.
          </Empty>
        )
      }
    />
  )
}
