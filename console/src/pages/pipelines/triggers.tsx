/** What starts a pipeline by itself: rules of EventBridge and schedules that have it as their target. */
import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRuleNamesByTargetCommand,
} from "@aws-sdk/client-eventbridge"
import { GetScheduleCommand, ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Code, Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { consoleHref, To, useFollow } from "@/shell/link"

type Trigger = {
  id: string
  name: string
  kind: "Rule" | "Schedule"
  state: string
  /** A schedule expression, with its time zone; else empty. */
  when: string
  pattern: unknown
  to: string
}

async function rules(arn: string): Promise<Trigger[]> {
  const events = aws(EventBridgeClient)
  const buses = await all(
    (NextToken) => events.send(new ListEventBusesCommand({ NextToken })),
    (page) => page.EventBuses,
    (page) => page.NextToken,
  )
  const found = buses.map(async ({ Name: bus = "default" }) => {
    const names = await all(
      (NextToken) => events.send(new ListRuleNamesByTargetCommand({ TargetArn: arn, EventBusName: bus, NextToken })),
      (page) => page.RuleNames,
      (page) => page.NextToken,
    )
    return Promise.all(
      names.map(async (name): Promise<Trigger> => {
        const rule = await events.send(new DescribeRuleCommand({ Name: name, EventBusName: bus }))
        return {
          id: `${bus}/${name}`,
          name,
          kind: "Rule",
          state: rule.State ?? "",
          when: rule.ScheduleExpression ?? "",
          pattern: rule.EventPattern ? JSON.parse(rule.EventPattern) : undefined,
          to: `/operate/events/rules/${encodeURIComponent(bus)}/${encodeURIComponent(name)}`,
        }
      }),
    )
  })
  return (await Promise.all(found)).flat()
}

async function schedules(arn: string): Promise<Trigger[]> {
  const scheduler = aws(SchedulerClient)
  const listed = await all(
    (NextToken) => scheduler.send(new ListSchedulesCommand({ NextToken, MaxResults: 100 })),
    (page) => page.Schedules,
    (page) => page.NextToken,
  )
  return Promise.all(
    listed
      .filter((one) => one.Target?.Arn === arn)
      .map(async ({ Name = "", GroupName }): Promise<Trigger> => {
        const one = await scheduler.send(new GetScheduleCommand({ Name, GroupName }))
        const zone = one.ScheduleExpressionTimezone ?? "UTC"
        return {
          id: `schedule ${GroupName}/${Name}`,
          name: Name,
          kind: "Schedule",
          state: one.State ?? "",
          when: `${one.ScheduleExpression ?? ""}${one.ScheduleExpression?.startsWith("rate") ? "" : ` (${zone})`}`,
          pattern: undefined,
          to: `/operate/events/schedules/${encodeURIComponent(GroupName ?? "default")}/${encodeURIComponent(Name)}`,
        }
      }),
  )
}

const NIGHTLY = (
  name: string,
) => `pipeline = boto3.client("sagemaker").describe_pipeline(PipelineName="${name}")["PipelineArn"]
boto3.client("scheduler").create_schedule(
    Name="nightly",
    ScheduleExpression="cron(0 3 * * ? *)",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={"Arn": pipeline, "RoleArn": role},  # a role that scheduler.amazonaws.com may assume
)`

function Pattern({ of }: { of: unknown }) {
  return (
    <span className="clary-pattern clary-mono">
      <Copy label="Copy the pattern" text={JSON.stringify(of, null, 2)} shown={JSON.stringify(of)} />
    </span>
  )
}

export function Triggers({ pipeline, arn }: { pipeline: string; arn: string }) {
  const follow = useFollow()
  const { data, error, refetch } = useLive(["pipelines", "triggers", arn], async () =>
    (await Promise.all([rules(arn), schedules(arn)])).flat(),
  )
  return (
    <ResourceTable<Trigger>
      title="Triggers"
      description="Rules of EventBridge and schedules that start this pipeline."
      rows={data}
      id={(one) => one.id}
      error={error}
      again={() => void refetch()}
      noFilter
      actions={
        <Button
          href={consoleHref(`/operate/events/create-schedule?${new URLSearchParams({ pipeline })}`)}
          onFollow={follow}
        >
          Create schedule
        </Button>
      }
      columns={[
        {
          id: "name",
          header: "Name",
          text: (one) => one.name,
          cell: (one) => <To to={one.to}>{one.name}</To>,
          isRowHeader: true,
        },
        { id: "kind", header: "Kind", text: (one) => one.kind, cell: (one) => one.kind },
        { id: "state", header: "State", text: (one) => one.state, cell: (one) => <Status status={one.state} /> },
        {
          id: "when",
          header: "Starts it",
          cell: (one) => (one.when ? one.when : one.pattern ? <Pattern of={one.pattern} /> : "–"),
        },
      ]}
      empty={
        <Empty
          title="Nothing starts it by itself"
          action={
            <Box textAlign="left" margin={{ horizontal: "l" }}>
              <Code label="A schedule" text={NIGHTLY(pipeline)} />
            </Box>
          }
        >
          A new object, an alarm, an approval, a commit or the clock can. For example every night at three:
        </Empty>
      }
    />
  )
}
