/** The executions of a pipeline, the newest first. Two of them can be compared. */
import { type PipelineExecutionSummary, SageMakerClient, StopPipelineExecutionCommand } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, nameOf } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago, Took } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import type { Definition } from "./definition"
import { changed } from "./parameters"
import { executionAt, MOST_EXECUTIONS, useDetails, useExecutions, useParameters, whoIs } from "./reads"
import { spanOf } from "./state"

type Row = PipelineExecutionSummary

export const compareAt = (a: string | undefined, b: string | undefined): string =>
  `/pipelines/compare?${new URLSearchParams({ a: a ?? "", b: b ?? "" })}`

export function Executions({
  pipeline,
  definition,
  onStart,
}: {
  pipeline: string
  definition: Definition
  onStart: () => void
}) {
  const follow = useFollow()
  const { data: rows, error, refetch } = useExecutions(pipeline)
  const [chosen, choose] = useState<Row[]>([])
  const stop = useAct(
    (arns: string[]) =>
      Promise.all(
        arns.map((one) => aws(SageMakerClient).send(new StopPipelineExecutionCommand({ PipelineExecutionArn: one }))),
      ),
    (_, arns) => (arns.length === 1 ? "The execution stops" : `${arns.length} executions stop`),
  )
  // The chosen rows are those of an earlier look: what is true of them now stands in the list.
  const running = chosen.flatMap(({ PipelineExecutionArn: arn }) =>
    rows?.some((one) => one.PipelineExecutionArn === arn && one.PipelineExecutionStatus === "Executing")
      ? (arn ?? [])
      : [],
  )
  const [b, a] = [...chosen].sort((one, other) => (other.StartTime?.getTime() ?? 0) - (one.StartTime?.getTime() ?? 0))
  const columns: Column<Row>[] = [
    {
      id: "name",
      header: "Execution",
      text: (one) => one.PipelineExecutionDisplayName ?? nameOf(one.PipelineExecutionArn),
      cell: (one) => (
        <To to={executionAt(pipeline, one.PipelineExecutionArn)}>
          {one.PipelineExecutionDisplayName ?? nameOf(one.PipelineExecutionArn)}
        </To>
      ),
      isRowHeader: true,
    },
    {
      id: "status",
      header: "Status",
      text: (one) => one.PipelineExecutionStatus,
      cell: (one) => (
        <span title={one.PipelineExecutionFailureReason}>
          <Status status={one.PipelineExecutionStatus} />
        </span>
      ),
    },
    { id: "started", header: "Started", text: (one) => one.StartTime, cell: (one) => <Ago when={one.StartTime} /> },
    { id: "took", header: "Duration", cell: (one) => <Duration of={one} /> },
    { id: "by", header: "Started by", cell: (one) => <StartedBy of={one} /> },
    { id: "changed", header: "Changed parameters", cell: (one) => <Changed of={one} definition={definition} /> },
  ]
  return (
    <ResourceTable
      title="Executions"
      description={
        (rows?.length ?? 0) >= MOST_EXECUTIONS
          ? `The latest ${count(rows?.length)}; older ones are not listed.`
          : undefined
      }
      rows={rows}
      columns={columns}
      id={(one) => one.PipelineExecutionArn ?? ""}
      error={error}
      again={() => void refetch()}
      selection="multi"
      selected={chosen}
      onSelect={choose}
      sorted={{ id: "started", descending: true }}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button disabled={!running.length} loading={stop.isPending} onClick={() => stop.mutate(running)}>
            Stop
          </Button>
          <Button
            disabled={chosen.length !== 2}
            disabledReason="Choose two executions"
            href={a && b ? consoleHref(compareAt(a.PipelineExecutionArn, b.PipelineExecutionArn)) : undefined}
            onFollow={follow}
          >
            Compare
          </Button>
        </SpaceBetween>
      }
      empty={
        <Empty title="It has not run yet" action={<Button onClick={onStart}>Start the first execution</Button>}>
          Start it here, or from the command line with: clary pipeline run {pipeline}
        </Empty>
      }
    />
  )
}

function Duration({ of }: { of: Row }) {
  const { data } = useDetails(of.PipelineExecutionArn ?? "", of.PipelineExecutionStatus)
  if (!data) return <>…</>
  const { from, to } = spanOf(of.StartTime, of.PipelineExecutionStatus, data.steps)
  return <Took from={from} to={to} />
}

function StartedBy({ of }: { of: Row }) {
  const { data } = useDetails(of.PipelineExecutionArn ?? "", of.PipelineExecutionStatus)
  return (
    <span className="clary-clip" title={data?.CreatedBy?.IamIdentity?.Arn}>
      {data ? whoIs(data.CreatedBy) || "–" : "…"}
    </span>
  )
}

function Changed({ of, definition }: { of: Row; definition: Definition }) {
  const { data } = useParameters(of.PipelineExecutionArn ?? "")
  if (!data) return <>…</>
  const found = changed(definition.parameters, data)
  if (!found.length) return <Box color="text-body-secondary">All as by default</Box>
  const said = found.map((one) => `${one.name} = ${one.value}`).join(", ")
  return (
    <span className="clary-clip" title={said}>
      {said}
    </span>
  )
}
