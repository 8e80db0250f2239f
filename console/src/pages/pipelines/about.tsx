/** What an execution is: when, who, with which parameters. */
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { count } from "@/parts/format"
import { Status } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { To } from "@/shell/link"
import type { Definition } from "./definition"
import { changed, type Typed } from "./parameters"
import { executionAt, type useExecution, whoIs } from "./reads"
import { spanOf } from "./state"

type Props = {
  pipeline: string
  execution: NonNullable<ReturnType<typeof useExecution>["data"]>
  definition: Definition
  parameters: Typed | undefined
}

export function AboutExecution({ pipeline, execution, definition, parameters }: Props) {
  const { from, to } = spanOf(execution.CreationTime, execution.PipelineExecutionStatus, execution.steps)
  const source = execution.SelectiveExecutionConfig?.SourcePipelineExecutionArn
  const hits = execution.steps.filter((one) => one.CacheHitResult).length
  const facts: [string, React.ReactNode][] = [
    ["Status", <Status key="status" status={execution.PipelineExecutionStatus} />],
    ["Duration", <Took key="took" from={from} to={to} />],
    ["Started", <Instant key="started" when={execution.CreationTime} />],
    [
      "Started by",
      <span key="by" className="clary-break">
        {whoIs(execution.CreatedBy)}
      </span>,
    ],
    ["Version", execution.PipelineVersionId && `Version ${execution.PipelineVersionId}`],
    ["Results from the cache", `${count(hits)} of ${count(execution.steps.length)} steps`],
    [
      "ARN",
      <Copy
        key="arn"
        text={execution.PipelineExecutionArn ?? ""}
        shown={execution.PipelineExecutionArn?.split("/").at(-1)}
      />,
    ],
  ]
  if (execution.SelectiveExecutionConfig) {
    facts.push([
      "Only some steps",
      source ? (
        <To key="source" to={executionAt(pipeline, source)}>
          others from {source.split("/").at(-1)}
        </To>
      ) : (
        "Yes"
      ),
    ])
  }
  const differing = new Set(changed(definition.parameters, parameters ?? {}).map((one) => one.name))
  return (
    <Container>
      <SpaceBetween size="l">
        <Facts facts={facts} />
        {parameters && Object.keys(parameters).length > 0 && (
          <div>
            <Box variant="awsui-key-label" padding={{ bottom: "xxs" }}>
              Parameters
            </Box>
            <dl className="clary-parameters">
              {Object.entries(parameters).map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>
                    <span className="clary-break">{value === "" ? "(empty)" : value}</span>
                    {differing.has(name) && <span className="clary-changed">changed</span>}
                  </dd>
                </div>
              ))}
            </dl>
          </div>
        )}
      </SpaceBetween>
    </Container>
  )
}
