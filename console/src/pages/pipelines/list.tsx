/** All pipelines, with what became of their latest execution. */
import { DescribePipelineCommand, type PipelineSummary, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { useMemo, useState } from "react"
import { aws } from "@/aws/client"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import { usePage } from "@/shell/title"
import { readDefinition } from "./definition"
import { executionAt, useLatest, usePipelines, whoIs } from "./reads"
import { StartPipeline } from "./start"
import "./pipelines.css"

export function PipelineList() {
  usePage([{ text: "Pipelines", href: "/pipelines" }])
  const follow = useFollow()
  const { data: rows, error, refetch } = usePipelines()
  const names = useMemo(() => (rows ?? []).flatMap((one) => one.PipelineName ?? []), [rows])
  const { data: latest } = useLatest(names)
  const [chosen, choose] = useState<PipelineSummary[]>([])
  const [starting, start] = useState("")
  const status = (one: PipelineSummary) => latest?.get(one.PipelineName ?? "")?.PipelineExecutionStatus
  const columns: Column<PipelineSummary>[] = [
    {
      id: "name",
      header: "Name",
      text: (one) => one.PipelineName,
      cell: (one) => (
        <>
          <To to={`/pipelines/${one.PipelineName}`}>{one.PipelineName}</To>
          {one.PipelineDescription && (
            <Box color="text-body-secondary" fontSize="body-s">
              <span className="clary-clip" title={one.PipelineDescription}>
                {one.PipelineDescription}
              </span>
            </Box>
          )}
        </>
      ),
      isRowHeader: true,
    },
    {
      id: "status",
      header: "Last execution",
      text: status,
      cell: (one) =>
        status(one) ? (
          <Status status={status(one)} />
        ) : latest || one.LastExecutionTime === undefined ? (
          <Box color="text-body-secondary">None yet</Box>
        ) : (
          "…"
        ),
    },
    {
      id: "run",
      header: "Last run",
      text: (one) => one.LastExecutionTime,
      cell: (one) => <LastRun of={one} arn={latest?.get(one.PipelineName ?? "")?.PipelineExecutionArn} />,
    },
    { id: "steps", header: "Steps", cell: (one) => <Details of={one} show="steps" /> },
    { id: "by", header: "Created by", cell: (one) => <Details of={one} show="by" /> },
    {
      id: "created",
      header: "Created",
      text: (one) => one.CreationTime,
      cell: (one) => <Ago when={one.CreationTime} />,
    },
  ]
  const one = chosen[0]?.PipelineName
  return (
    <>
      <ResourceTable
        title="Pipelines"
        headingLevel="h1"
        description="From data to a model, step by step: each execution follows the definition to its end."
        rows={rows}
        columns={columns}
        id={(item) => item.PipelineName ?? ""}
        error={error}
        again={() => void refetch()}
        selection="single"
        selected={chosen}
        onSelect={choose}
        sorted={{ id: "run", descending: true }}
        variant="full-page"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={!one} href={one && consoleHref(`/pipelines/${one}`)} onFollow={follow}>
              View
            </Button>
            <Button variant="primary" disabled={!one} onClick={() => one && start(one)}>
              Start
            </Button>
          </SpaceBetween>
        }
        empty={<NoPipelines />}
      />
      {starting && <StartPipeline pipeline={starting} onDismiss={() => start("")} />}
    </>
  )
}

function LastRun({ of, arn }: { of: PipelineSummary; arn: string | undefined }) {
  const when = <Ago when={of.LastExecutionTime} />
  return arn ? <To to={executionAt(of.PipelineName ?? "", arn)}>{when}</To> : when
}

/** What only the definition tells, read for the rows that are seen. */
function Details({ of, show }: { of: PipelineSummary; show: "steps" | "by" }) {
  const { data, error } = useQuery({
    queryKey: ["pipelines", "brief", of.PipelineName, of.LastModifiedTime?.getTime()],
    queryFn: async () => {
      const said = await aws(SageMakerClient).send(new DescribePipelineCommand({ PipelineName: of.PipelineName }))
      return { steps: readDefinition(said.PipelineDefinition ?? "{}").steps.length, by: whoIs(said.CreatedBy) }
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <span title={error.message}>–</span>
  if (!data) return <>…</>
  return <span className="clary-numbers clary-nowrap">{show === "steps" ? count(data.steps) : data.by || "–"}</span>
}

const FIRST = `from clary.pipeline import Parameter, Pipeline, step

@step()
def hello(name: str) -> dict[str, str]:
    return {"said": f"hello {name}"}

Pipeline("hello", [hello(name=Parameter("Name", "world"))], bucket=BUCKET).upsert(sagemaker, role, s3=s3)`

function NoPipelines() {
  const follow = useFollow()
  return (
    <Empty
      title="No pipelines yet"
      action={
        <SpaceBetween size="m">
          <Button variant="primary" href={consoleHref("/examples")} onFollow={follow}>
            Start with an example
          </Button>
          <Box color="text-body-secondary">
            Or make one with the SageMaker SDK, unmodified (<Box variant="code">pipeline.upsert(role)</Box>), with
            boto3's <Box variant="code">create_pipeline</Box>, or of plain functions:
          </Box>
          <Box textAlign="left" margin={{ horizontal: "l" }}>
            <Code label="A first pipeline" text={FIRST} />
          </Box>
        </SpaceBetween>
      }
    >
      A pipeline prepares data, trains, judges and registers models. It appears here as soon as it is made.
    </Empty>
  )
}
