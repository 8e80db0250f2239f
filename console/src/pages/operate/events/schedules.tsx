/** All schedules of EventBridge Scheduler: when each fires next, and what. */
import type { GetScheduleOutput } from "@aws-sdk/client-scheduler"
import Button from "@cloudscape-design/components/button"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { ago, instant } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { consoleHref, To, useFollow } from "@/shell/link"
import { nextRun } from "./next"
import { listSchedules, scheduleAt } from "./reads"
import { Reached, targetOf } from "./target"

export function next(one: GetScheduleOutput): Date | undefined {
  if (one.State !== "ENABLED") return undefined
  return nextRun(
    {
      expression: one.ScheduleExpression,
      zone: one.ScheduleExpressionTimezone,
      // A rate without a beginning goes on from when it was made or changed last.
      start: one.StartDate ?? (one.ScheduleExpression?.startsWith("rate") ? one.LastModificationDate : undefined),
      end: one.EndDate,
    },
    Date.now(),
  )
}

const COLUMNS: Column<GetScheduleOutput>[] = [
  {
    id: "name",
    header: "Schedule",
    isRowHeader: true,
    text: (one) => one.Name,
    cell: (one) => (
      <span className="clary-break">
        <To to={scheduleAt(one.GroupName ?? "default", one.Name ?? "")}>{one.Name}</To>
      </span>
    ),
  },
  {
    id: "state",
    header: "State",
    minWidth: 125,
    text: (one) => one.State,
    cell: (one) => <Status status={one.State} />,
  },
  {
    id: "when",
    header: "Fires",
    text: (one) => one.ScheduleExpression,
    cell: (one) => <span className="clary-mono clary-nowrap">{one.ScheduleExpression}</span>,
  },
  { id: "zone", header: "Time zone", cell: (one) => one.ScheduleExpressionTimezone ?? "UTC" },
  {
    id: "next",
    header: "Next",
    text: next,
    cell: (one) => {
      const at = next(one)
      return at ? (
        <time dateTime={at.toISOString()}>
          {instant(at)}
          <br />
          {ago(at)}
        </time>
      ) : (
        "–"
      )
    },
  },
  {
    id: "target",
    header: "Target",
    text: (one) => targetOf(one.Target?.Arn ?? "").name,
    cell: (one) => <Reached arn={one.Target?.Arn} />,
  },
]

export function Schedules() {
  const follow = useFollow()
  const { data, error, refetch } = useLive(["events", "schedules"], listSchedules)
  const make = (
    <Button variant="primary" href={consoleHref("/operate/events/create-schedule")} onFollow={follow}>
      Create schedule
    </Button>
  )
  return (
    <ResourceTable<GetScheduleOutput>
      title="Schedules"
      rows={data}
      columns={COLUMNS}
      id={(one) => one.Arn ?? ""}
      error={error}
      again={() => void refetch()}
      sorted={{ id: "next" }}
      wrap
      actions={make}
      empty={
        <Empty title="No schedule yet" action={make}>
          A schedule starts a pipeline every night, or once at an instant.
        </Empty>
      }
    />
  )
}
