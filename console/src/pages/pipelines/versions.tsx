/** The versions of a definition: each update that changes it makes one. */
import type { PipelineVersionSummary } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import { useState } from "react"
import { Json } from "@/parts/copy"
import { DialogFrame } from "@/parts/dialog"
import { Empty } from "@/parts/empty"
import { Problem } from "@/parts/problem"
import { ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { executionAt, usePipeline, useVersions } from "./reads"

export function Versions({ pipeline }: { pipeline: string }) {
  const { data: rows, error, refetch } = useVersions(pipeline)
  const [seen, see] = useState<number>()
  return (
    <>
      <ResourceTable<PipelineVersionSummary>
        title="Versions"
        description="An update that changes the definition makes a new version; an execution follows one to its end."
        rows={rows}
        id={(one) => String(one.PipelineVersionId)}
        error={error}
        again={() => void refetch()}
        noFilter
        sorted={{ id: "version", descending: true }}
        columns={[
          {
            id: "version",
            header: "Version",
            text: (one) => one.PipelineVersionId,
            cell: (one) => one.PipelineVersionDisplayName ?? `Version ${one.PipelineVersionId}`,
            isRowHeader: true,
          },
          {
            id: "created",
            header: "Created",
            text: (one) => one.CreationTime,
            cell: (one) => <Ago when={one.CreationTime} />,
          },
          {
            id: "last",
            header: "Latest execution",
            cell: (one) =>
              one.LastExecutionPipelineExecutionArn ? (
                <To to={executionAt(pipeline, one.LastExecutionPipelineExecutionArn)}>
                  {one.LastExecutionPipelineExecutionArn.split("/").at(-1)}
                </To>
              ) : (
                <Box color="text-body-secondary">None</Box>
              ),
          },
          { id: "description", header: "Description", cell: (one) => one.PipelineVersionDescription ?? "–" },
          {
            id: "definition",
            header: "Definition",
            cell: (one) => (
              <Button
                variant="inline-link"
                onClick={() => see(one.PipelineVersionId)}
                ariaLabel={`Show version ${one.PipelineVersionId}`}
              >
                Show
              </Button>
            ),
          },
        ]}
        empty={<Empty title="No versions" />}
      />
      {seen !== undefined && <OfVersion pipeline={pipeline} version={seen} onDismiss={() => see(undefined)} />}
    </>
  )
}

function OfVersion({ pipeline, version, onDismiss }: { pipeline: string; version: number; onDismiss: () => void }) {
  const { data, error, refetch } = usePipeline(pipeline, version, false)
  return (
    <DialogFrame size="large" title={`${pipeline}, version ${version}`} onDismiss={onDismiss}>
      {error && <Problem error={error} again={() => void refetch()} />}
      {!error && !data && <Waiting />}
      {data && <Json label={`Definition of version ${version}`} value={JSON.parse(data.PipelineDefinition ?? "{}")} />}
    </DialogFrame>
  )
}
