/** One execution as it runs: its graph, its steps in time, and the one step that is looked at. */
import { RetryPipelineExecutionCommand, SageMakerClient, StopPipelineExecutionCommand } from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useCallback, useMemo, useState } from "react"
import { useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing, useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { consoleHref, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { AboutExecution } from "./about"
import { compareAt } from "./executions"
import { Graph } from "./graph"
import { useNarrow } from "./narrow"
import { executionAt, useDefinition, useExecution, useExecutions, useParameters, usePipeline } from "./reads"
import { StartPipeline } from "./start"
import { isOver, progressOf, statesOf } from "./state"
import { StepPanel } from "./step"
import { Timeline } from "./timeline"
import "./pipelines.css"

export function ExecutionPage() {
  const { name = "", id = "" } = useParams()
  const pipeline = usePipeline(name, undefined, false)
  const arn = pipeline.data?.PipelineArn ? `${pipeline.data.PipelineArn}/execution/${id}` : ""
  const execution = useExecution(arn)
  const definition = useDefinition(arn)
  const title = execution.data?.PipelineExecutionDisplayName ?? id
  usePage([
    { text: "Pipelines", href: "/pipelines" },
    { text: name, href: `/pipelines/${name}` },
    { text: title, href: executionAt(name, id) },
  ])
  const error = pipeline.error ?? execution.error ?? definition.error
  if (error && isMissing(error)) return <Nowhere what={`The execution ${id} of ${name}`} />
  if (error && !execution.data) {
    return (
      <Problem
        error={error}
        again={() => void Promise.all([pipeline, execution, definition].map((one) => one.refetch()))}
      />
    )
  }
  if (!execution.data || !definition.data) return <Waiting what={`Reading ${id}`} />
  return <Execution key={arn} name={name} arn={arn} execution={execution.data} written={definition.data} />
}

type Seen = NonNullable<ReturnType<typeof useExecution>["data"]>
type Written = NonNullable<ReturnType<typeof useDefinition>["data"]>

function Execution({
  name,
  arn,
  execution,
  written,
}: {
  name: string
  arn: string
  execution: Seen
  written: Written
}) {
  const follow = useFollow()
  const narrow = useNarrow()
  const [params, setParams] = useSearchParams()
  const [asking, ask] = useState<"start" | "stop">()
  const { data: values } = useParameters(arn)
  const { data: others } = useExecutions(name)
  const status = execution.PipelineExecutionStatus
  const states = useMemo(() => {
    const selected = execution.SelectiveExecutionConfig?.SelectedSteps?.flatMap((one) => one.StepName ?? [])
    return statesOf(written.definition, execution.steps, { status, selected })
  }, [written, execution, status])
  const failed = execution.steps.find((one) => one.StepStatus === "Failed")?.StepName
  const chosen = written.definition.steps.find((one) => one.name === (params.get("step") ?? failed))
  const view = ["graph", "time"].find((one) => one === params.get("view")) ?? (narrow ? "time" : "graph")
  const choose = useCallback(
    (step: string) =>
      setParams(
        (now) => {
          now.set("step", step)
          return now
        },
        { replace: true },
      ),
    [setParams],
  )
  const stop = useAct(
    () => aws(SageMakerClient).send(new StopPipelineExecutionCommand({ PipelineExecutionArn: arn })),
    "The execution stops: no step starts any more",
  )
  const retry = useAct(
    () => aws(SageMakerClient).send(new RetryPipelineExecutionCommand({ PipelineExecutionArn: arn })),
    "It goes on from what did not succeed",
  )
  const previous = before(others ?? [], arn)
  const { done, of } = progressOf(states)
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={execution.PipelineExecutionDescription}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {previous && (
              <Button href={consoleHref(compareAt(previous, arn))} onFollow={follow}>
                Compare
              </Button>
            )}
            {status === "Executing" && <Button onClick={() => ask("stop")}>Stop</Button>}
            {(status === "Failed" || status === "Stopped") && (
              <Button loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
                Retry
              </Button>
            )}
            <Button variant={isOver(status) ? "primary" : "normal"} onClick={() => ask("start")}>
              Start again
            </Button>
          </SpaceBetween>
        }
      >
        {execution.PipelineExecutionDisplayName ?? execution.PipelineExecutionArn?.split("/").at(-1)}
      </Header>
      {execution.FailureReason && (
        <Alert type="error" header="It failed">
          {/* The whole reason of a step stands with the step. */}
          <span className="clary-lines">{failed ? firstLine(execution.FailureReason) : execution.FailureReason}</span>
        </Alert>
      )}
      <AboutExecution pipeline={name} execution={execution} definition={written.definition} parameters={values} />
      <Container
        header={
          <Header
            variant="h2"
            counter={`(${count(done)} of ${count(of)})`}
            actions={
              <SegmentedControl
                label="How the steps are shown"
                selectedId={view}
                onChange={({ detail }) =>
                  setParams(
                    (now) => {
                      now.set("view", detail.selectedId)
                      return now
                    },
                    { replace: true },
                  )
                }
                options={[
                  { id: "graph", text: "Graph" },
                  { id: "time", text: "Timeline" },
                ]}
              />
            }
          >
            Steps
          </Header>
        }
      >
        {view === "time" ? (
          <Timeline
            definition={written.definition}
            states={states}
            started={execution.CreationTime}
            over={isOver(status)}
            chosen={chosen?.name}
            onChoose={choose}
          />
        ) : (
          <Graph
            definition={written.definition}
            text={written.text}
            states={states}
            chosen={chosen?.name}
            onChoose={choose}
          />
        )}
      </Container>
      {chosen ? (
        <StepPanel
          key={chosen.name}
          step={chosen}
          definition={written.definition}
          states={states}
          parameters={values ?? {}}
          execution={arn}
        />
      ) : (
        <Box color="text-body-secondary" textAlign="center">
          Choose a step to see its inputs, outputs, metrics and logs.
        </Box>
      )}
      {asking === "start" && (
        <StartPipeline
          pipeline={name}
          given={values}
          source={isOver(status) ? arn : undefined}
          onDismiss={() => ask(undefined)}
        />
      )}
      {asking === "stop" && (
        <Confirm
          title="Stop this execution?"
          verb="Stop"
          busy={stop.isPending}
          error={stop.error}
          onNo={() => ask(undefined)}
          onYes={() => stop.mutate(undefined, { onSuccess: () => ask(undefined) })}
        >
          No step starts any more, and the jobs that run are stopped. It can be retried later: what has succeeded stays.
        </Confirm>
      )}
    </SpaceBetween>
  )
}

/** The execution that was started before this one, else any other: what one wants to compare with first. */
function before(all: readonly { PipelineExecutionArn?: string; StartTime?: Date }[], arn: string): string | undefined {
  const sorted = [...all].sort((a, b) => (b.StartTime?.getTime() ?? 0) - (a.StartTime?.getTime() ?? 0))
  const at = sorted.findIndex((one) => one.PipelineExecutionArn === arn)
  return (sorted[at + 1] ?? sorted.find((one) => one.PipelineExecutionArn !== arn))?.PipelineExecutionArn
}

const firstLine = (text: string): string => (text.split("\n")[0] ?? "").replace(/:$/, ": …")
