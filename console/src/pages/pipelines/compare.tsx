/** Two executions of a pipeline side by side: parameters, steps, metrics. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { useMemo } from "react"
import { useSearchParams } from "react-router"
import { instant } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Status } from "@/parts/status"
import { Took } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { MetricsCompared, ParametersCompared, StepsCompared } from "./compared"
import { metricRows, parameterRows, type Side, stepRows } from "./comparison"
import { metricsOf } from "./metrics"
import { executionAt, pipelineOf, useDefinition, useExecution, useExecutions, useParameters } from "./reads"
import { spanOf, statesOf } from "./state"

export function Compare() {
  const [params, setParams] = useSearchParams()
  const [a, b] = [params.get("a") ?? "", params.get("b") ?? ""]
  const pipeline = pipelineOf(a || b)
  usePage([
    { text: "Pipelines", href: "/pipelines" },
    ...(pipeline ? [{ text: pipeline, href: `/pipelines/${pipeline}` }] : []),
    { text: "Compare", href: "" },
  ])
  const [left, right] = [useSide(a), useSide(b)]
  const choose = (one: "a" | "b", arn: string) =>
    setParams((now) => {
      now.set(one, arn)
      return now
    })
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <Button
            iconName="refresh"
            onClick={() =>
              setParams((now) => {
                now.set("a", b)
                now.set("b", a)
                return now
              })
            }
          >
            Swap
          </Button>
        }
      >
        Compare executions
      </Header>
      <Container>
        <div className="clary-sides">
          <Chooser label="A" pipeline={pipeline} arn={a} side={left} onChoose={(arn) => choose("a", arn)} />
          <Chooser label="B" pipeline={pipeline} arn={b} side={right} onChoose={(arn) => choose("b", arn)} />
        </div>
      </Container>
      {a !== "" && a === b && <Alert type="info">Both sides are the same execution. Choose another one.</Alert>}
      {[left, right].map(
        (one, at) =>
          one.error !== null &&
          one.error !== undefined && (
            <Problem key={at ? "b" : "a"} error={one.error} header={`${at ? "B" : "A"} could not be read`} />
          ),
      )}
      {left.side && right.side ? (
        <Compared a={left.side} b={right.side} />
      ) : (
        !left.error && !right.error && (a && b ? <Waiting /> : <Box textAlign="center">Choose two executions.</Box>)
      )}
    </SpaceBetween>
  )
}

function Compared({ a, b }: { a: Side; b: Side }) {
  return (
    <SpaceBetween size="l">
      <ParametersCompared rows={parameterRows(a, b)} />
      <StepsCompared rows={stepRows(a, b)} />
      <MetricsCompared rows={metricRows(a, b)} />
    </SpaceBetween>
  )
}

type Read = { side: Side | undefined; execution: ReturnType<typeof useExecution>["data"]; error: unknown }

function useSide(arn: string): Read {
  const execution = useExecution(arn)
  const written = useDefinition(arn)
  const parameters = useParameters(arn)
  const status = execution.data?.PipelineExecutionStatus
  const states = useMemo(() => {
    if (!written.data || !execution.data) return undefined
    const selected = execution.data.SelectiveExecutionConfig?.SelectedSteps?.flatMap((one) => one.StepName ?? [])
    return statesOf(written.data.definition, execution.data.steps, { status, selected })
  }, [written.data, execution.data, status])
  const done = execution.data?.steps.filter((one) => one.StepStatus === "Succeeded").map((one) => one.StepName)
  const metrics = useQuery({
    queryKey: ["pipelines", "compared", arn, done],
    queryFn: async () => {
      const steps = written.data?.definition.steps ?? []
      const found = steps
        .filter((one) => done?.includes(one.name))
        .map(async (one) => [one.name, await metricsOf(one, states?.get(one.name)?.listed)] as const)
      return new Map(await Promise.all(found))
    },
    enabled: states !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const side =
    written.data && states && parameters.data && (metrics.data || metrics.error)
      ? {
          definition: written.data.definition,
          parameters: parameters.data,
          states,
          metrics: metrics.data ?? new Map(),
        }
      : undefined
  const error = (execution.data ? null : execution.error) ?? written.error ?? parameters.error ?? metrics.error
  return { side, execution: execution.data, error }
}

type ChooserProps = { label: string; pipeline: string; arn: string; side: Read; onChoose: (arn: string) => void }

function Chooser({ label, pipeline, arn, side: { execution }, onChoose }: ChooserProps) {
  const { data } = useExecutions(pipeline)
  const options = (data ?? []).map((one) => ({
    value: one.PipelineExecutionArn ?? "",
    label: one.PipelineExecutionDisplayName ?? one.PipelineExecutionArn?.split("/").at(-1) ?? "",
    description: `${one.PipelineExecutionStatus}, ${instant(one.StartTime)}`,
  }))
  const span = execution && spanOf(execution.CreationTime, execution.PipelineExecutionStatus, execution.steps)
  return (
    <SpaceBetween size="s">
      <FormField label={`Execution ${label}`} stretch>
        <Select
          selectedOption={options.find((one) => one.value === arn) ?? null}
          options={options}
          filteringType="auto"
          placeholder="Choose an execution"
          onChange={({ detail }) => onChoose(detail.selectedOption.value ?? "")}
        />
      </FormField>
      {execution && (
        <SpaceBetween direction="horizontal" size="s">
          <Status status={execution.PipelineExecutionStatus} />
          <Took from={span?.from} to={span?.to} />
          <span className="clary-nowrap">{instant(execution.CreationTime)}</span>
          <To to={executionAt(pipeline, arn)}>Look at it</To>
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}
