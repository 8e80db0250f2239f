/** One schedule: when, what, as whom, and how its group fared. */
import { DeleteScheduleCommand, type GetScheduleOutput, UpdateScheduleCommand } from "@aws-sdk/client-scheduler"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate, useParams } from "react-router"
import { isMissing, useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { duration } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Status } from "@/parts/status"
import { Ago, Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { readSchedule, scheduler } from "./reads"
import { next } from "./schedules"
import { Reached } from "./target"
import { Told } from "./told"

/** The input as it is; JSON where it is JSON. */
function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An update says everything: what is not said again is gone. */
const updated = (one: GetScheduleOutput, State: "ENABLED" | "DISABLED") =>
  new UpdateScheduleCommand({
    Name: one.Name,
    GroupName: one.GroupName,
    Description: one.Description,
    ScheduleExpression: one.ScheduleExpression,
    ScheduleExpressionTimezone: one.ScheduleExpressionTimezone,
    StartDate: one.StartDate,
    EndDate: one.EndDate,
    FlexibleTimeWindow: one.FlexibleTimeWindow,
    Target: one.Target,
    KmsKeyArn: one.KmsKeyArn,
    ActionAfterCompletion: one.ActionAfterCompletion,
    State,
  })

export function SchedulePage() {
  const { group = "default", name = "" } = useParams()
  usePage([
    { text: "Events", href: "/operate/events" },
    { text: "Schedules", href: "/operate/events?view=schedules" },
    { text: name, href: "" },
  ])
  const navigate = useNavigate()
  const [deleting, setDeleting] = useState(false)
  const { data, error, refetch } = useLive(["events", "schedule", group, name], () => readSchedule(name, group))
  const on = data?.State === "ENABLED"
  const toggle = useAct(
    async () => scheduler().send(updated(await readSchedule(name, group), on ? "DISABLED" : "ENABLED")),
    on ? `${name} fires no more until it is switched on again` : `${name} is on`,
  )
  const remove = useAct(
    async () => {
      await scheduler().send(new DeleteScheduleCommand({ Name: name, GroupName: group }))
      await navigate("/operate/events?view=schedules")
    },
    `The schedule ${name} is deleted`,
    { errorsHere: true },
  )
  if (error && isMissing(error)) return <Nowhere what={`The schedule ${name}`} />
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={`Reading ${name}`} />
  const role = data.Target?.RoleArn?.split("/").at(-1) ?? ""
  const parameters = data.Target?.SageMakerPipelineParameters?.PipelineParameterList ?? []
  const window = data.FlexibleTimeWindow
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h1"
            description={data.Description}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setDeleting(true)}>Delete</Button>
                <Button variant="primary" loading={toggle.isPending} onClick={() => toggle.mutate(undefined)}>
                  {on ? "Switch off" : "Switch on"}
                </Button>
              </SpaceBetween>
            }
          >
            {name}
          </Header>
        }
      >
        <Facts
          facts={[
            ["State", <Status key="state" status={data.State} />],
            [
              "Fires",
              <span key="when" className="clary-mono">
                {data.ScheduleExpression}
              </span>,
            ],
            ["Time zone", data.ScheduleExpressionTimezone ?? "UTC"],
            ["Next", <Instant key="next" when={next(data)} />],
            ["Target", <Reached key="target" arn={data.Target?.Arn} />],
            [
              "As",
              <To key="role" to={`/operate/users/roles/${role}`}>
                {role}
              </To>,
            ],
            [
              "Window",
              window?.Mode === "FLEXIBLE" ? duration((window.MaximumWindowInMinutes ?? 0) * 60_000) : "At that moment",
            ],
            ["Group", group],
            ["From", <Instant key="from" when={data.StartDate} />],
            ["Until", <Instant key="until" when={data.EndDate} />],
            ["Dead letters", <Reached key="dead" arn={data.Target?.DeadLetterConfig?.Arn} />],
            ["Changed", <Ago key="changed" when={data.LastModificationDate} />],
          ]}
        />
      </Container>
      {(parameters.length > 0 || data.Target?.Input) && (
        <Container header={<Header variant="h2">What the target gets</Header>}>
          <Json
            label="Input"
            value={
              data.Target?.Input
                ? read(data.Target.Input)
                : Object.fromEntries(parameters.map((one) => [one.Name, one.Value]))
            }
          />
        </Container>
      )}
      <Told
        title={`The schedules of the group ${group} lately`}
        namespace="AWS/Scheduler"
        dimensions={[["ScheduleGroup", group]]}
        metrics={["InvocationAttemptCount", "InvocationDroppedCount", "InvocationsSentToDeadLetterCount"]}
        empty="None of them fired in the last three hours"
      />
      {deleting && (
        <Confirm
          title={`Delete the schedule ${name}?`}
          verb="Delete"
          busy={remove.isPending}
          error={remove.error}
          onYes={() => remove.mutate(undefined)}
          onNo={() => setDeleting(false)}
        >
          It fires no more. Its target and its role stay as they are.
        </Confirm>
      )}
    </SpaceBetween>
  )
}
