/** All rules of all buses: their state, what they wait for, what they reach. */
import Box from "@cloudscape-design/components/box"
import { useLive } from "@/aws/live"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { To } from "@/shell/link"
import { listRules, type RuleRow, ruleAt } from "./reads"
import { Reached, targetOf } from "./target"

const waits = ({ rule }: RuleRow): string => rule.ScheduleExpression ?? rule.EventPattern ?? ""

const COLUMNS: Column<RuleRow>[] = [
  {
    id: "name",
    header: "Rule",
    isRowHeader: true,
    minWidth: 150,
    text: ({ rule }) => rule.Name,
    cell: ({ rule, bus }) => (
      <span className="clary-break">
        <To to={ruleAt(bus, rule.Name ?? "")}>{rule.Name}</To>
        {rule.Description && (
          <Box variant="small" color="text-body-secondary" display="block">
            {rule.Description}
          </Box>
        )}
      </span>
    ),
  },
  { id: "bus", header: "Bus", text: ({ bus }) => bus, cell: ({ bus }) => bus },
  {
    id: "state",
    header: "State",
    minWidth: 125,
    text: ({ rule }) => rule.State,
    cell: ({ rule }) => <Status status={rule.State} />,
  },
  {
    id: "waits",
    header: "Waits for",
    minWidth: 260,
    text: waits,
    cell: (row) => <span className="clary-mono">{waits(row) || "–"}</span>,
  },
  {
    id: "targets",
    header: "Reaches",
    minWidth: 160,
    text: ({ targets }) => targets.map((one) => targetOf(one.Arn ?? "").name).join(" "),
    cell: ({ targets }) =>
      targets.length === 0
        ? "Nothing"
        : targets.map((one) => (
            <div key={one.Id}>
              <Reached arn={one.Arn} />
            </div>
          )),
  },
]

const RULE = `events = boto3.client("events")
events.put_rule(Name="failed-jobs", EventPattern=json.dumps({
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Training Job State Change"],
    "detail": {"TrainingJobStatus": ["Failed"]},
}))
events.put_targets(Rule="failed-jobs", Targets=[{"Id": "tell", "Arn": topic_arn}])`

export function Rules() {
  const { data, error, refetch } = useLive(["events", "rules"], listRules)
  return (
    <ResourceTable<RuleRow>
      title="Rules"
      rows={data}
      columns={COLUMNS}
      id={({ rule }) => rule.Arn ?? ""}
      error={error}
      again={() => void refetch()}
      sorted={{ id: "name" }}
      wrap
      empty={
        <Empty
          title="No rule yet"
          action={
            <Box textAlign="left" margin={{ horizontal: "l" }}>
              <Code label="A rule" text={RULE} />
            </Box>
          }
        >
          A rule waits for events, or for the clock, and reaches a queue, a topic, a log group, a bus or a pipeline. For
          example:
        </Empty>
      }
    />
  )
}
