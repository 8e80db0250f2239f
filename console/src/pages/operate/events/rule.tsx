/** One rule: what it waits for, what it reaches, and how often it did lately. */
import {
  DeleteRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  RemoveTargetsCommand,
  type Target,
} from "@aws-sdk/client-eventbridge"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate, useParams } from "react-router"
import { isMissing, useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy, Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { consoleHref, To, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { nextRun } from "./next"
import { events, readRule, targetsOf } from "./reads"
import { Reached } from "./target"
import { Told } from "./told"

const roleOf = (arn: string) => arn.split("/").at(-1) ?? arn

function input(target: Target): string {
  if (target.InputTransformer) return "A template"
  if (target.Input) return "A text of its own"
  if (target.InputPath) return target.InputPath
  const parameters = target.SageMakerPipelineParameters?.PipelineParameterList ?? []
  return parameters.length ? parameters.map((one) => `${one.Name} = ${one.Value}`).join(", ") : "The event"
}

export function RulePage() {
  const { bus = "default", name = "" } = useParams()
  usePage([
    { text: "Events", href: "/operate/events" },
    { text: name, href: "" },
  ])
  const follow = useFollow()
  const [deleting, setDeleting] = useState(false)
  const rule = useLive(["events", "rule", bus, name], () => readRule(name, bus))
  const targets = useLive(["events", "targets", bus, name], () => targetsOf(name, bus))
  const on = rule.data?.State === "ENABLED"
  const toggle = useAct(
    () =>
      on
        ? events().send(new DisableRuleCommand({ Name: name, EventBusName: bus }))
        : events().send(new EnableRuleCommand({ Name: name, EventBusName: bus })),
    on ? `${name} reaches nothing until it is switched on again` : `${name} is on`,
  )
  if (rule.error && isMissing(rule.error)) return <Nowhere what={`The rule ${name}`} />
  if (rule.error && !rule.data) return <Problem error={rule.error} again={() => void rule.refetch()} />
  if (!rule.data) return <Waiting what={`Reading ${name}`} />
  const { EventPattern: pattern, ScheduleExpression: schedule } = rule.data
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h1"
            description={rule.data.Description}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setDeleting(true)}>Delete</Button>
                {pattern && (
                  <Button
                    href={consoleHref(`/operate/events?${new URLSearchParams({ view: "try", pattern })}`)}
                    onFollow={follow}
                  >
                    Try its pattern
                  </Button>
                )}
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
        <SpaceBetween size="l">
          <Facts
            facts={[
              ["State", <Status key="state" status={rule.data.State} />],
              ["Bus", bus],
              schedule
                ? [
                    "Fires",
                    <span key="when" className="clary-mono">
                      {schedule}
                    </span>,
                  ]
                : ["Waits for", "Events that match the pattern"],
              schedule
                ? ["Next", <Instant key="next" when={on ? nextRun({ expression: schedule }, Date.now()) : undefined} />]
                : ["ARN", <Copy key="arn" text={rule.data.Arn ?? ""} shown={rule.data.Arn ?? ""} />],
            ]}
          />
          {pattern && <Json value={JSON.parse(pattern)} label="Pattern" />}
        </SpaceBetween>
      </Container>
      <ResourceTable<Target>
        title="Reaches"
        rows={targets.data}
        error={targets.error}
        id={(one) => one.Id ?? ""}
        noFilter
        wrap
        columns={[
          { id: "id", header: "Target", isRowHeader: true, cell: (one) => one.Id },
          { id: "what", header: "What", cell: (one) => <Reached arn={one.Arn} /> },
          { id: "input", header: "Gets", cell: input },
          {
            id: "role",
            header: "As",
            cell: (one) =>
              one.RoleArn ? (
                <To to={`/operate/users/roles/${roleOf(one.RoleArn)}`}>{roleOf(one.RoleArn)}</To>
              ) : (
                "EventBridge"
              ),
          },
          { id: "dead", header: "Dead letters", cell: (one) => <Reached arn={one.DeadLetterConfig?.Arn} /> },
        ]}
        empty={<Empty title="It reaches nothing">PutTargets gives it up to five targets.</Empty>}
      />
      <Told
        namespace="AWS/Events"
        dimensions={[...(bus === "default" ? [] : [["EventBusName", bus] as [string, string]]), ["RuleName", name]]}
        metrics={["TriggeredRules", "Invocations", "FailedInvocations", "InvocationsSentToDlq"]}
        empty="It has reached nothing in the last three hours"
      />
      {deleting && <Delete name={name} bus={bus} targets={targets.data ?? []} onNo={() => setDeleting(false)} />}
    </SpaceBetween>
  )
}

type DeleteProps = { name: string; bus: string; targets: readonly Target[]; onNo: () => void }

function Delete({ name, bus, targets, onNo }: DeleteProps) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      // A rule that has targets cannot be deleted: they go first, also those that came since the page was read.
      const Ids = (await targetsOf(name, bus)).flatMap((one) => one.Id ?? [])
      if (Ids.length) {
        const removed = await events().send(new RemoveTargetsCommand({ Rule: name, EventBusName: bus, Ids }))
        const [failed] = removed.FailedEntries ?? []
        if (failed) throw new Error(failed.ErrorMessage ?? `The target ${failed.TargetId} could not be removed`)
      }
      await events().send(new DeleteRuleCommand({ Name: name, EventBusName: bus }))
      await navigate("/operate/events")
    },
    `The rule ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete the rule ${name}?`}
      verb="Delete"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      {targets.length === 0
        ? "It reaches nothing."
        : `It no longer reaches its ${targets.length === 1 ? "target" : `${count(targets.length)} targets`}; those stay as they are.`}
    </Confirm>
  )
}
