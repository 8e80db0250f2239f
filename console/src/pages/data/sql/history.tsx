/** Queries that were asked before, the newest first: seen again, or asked again. */
import {
  AthenaClient,
  BatchGetQueryExecutionCommand,
  ListQueryExecutionsCommand,
  type QueryExecution,
} from "@aws-sdk/client-athena"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Empty } from "@/parts/empty"
import { bytes, count, duration } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Instant } from "@/parts/time"
import { isRunning } from "./athena"

/** As many as are looked at; Athena keeps them for 45 days. */
const MOST = 200
const BATCH = 50

async function lastQueries(workGroup: string): Promise<QueryExecution[]> {
  const ids = await all(
    (token) =>
      aws(AthenaClient).send(
        new ListQueryExecutionsCommand({ WorkGroup: workGroup, NextToken: token, MaxResults: 50 }),
      ),
    (page) => page.QueryExecutionIds,
    (page) => page.NextToken,
    MOST,
  )
  const batches = Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, at) =>
    ids.slice(at * BATCH, (at + 1) * BATCH),
  )
  const answers = await Promise.all(
    batches.map((batch) => aws(AthenaClient).send(new BatchGetQueryExecutionCommand({ QueryExecutionIds: batch }))),
  )
  return answers.flatMap((one) => one.QueryExecutions ?? [])
}

type Props = {
  workGroup: string
  onOpen: (id: string) => void
  onRerun: (sql: string, database: string | undefined) => void
}

export function History({ workGroup, onOpen, onRerun }: Props) {
  const { data, error, refetch } = useLive(["athena", "history", workGroup], () => lastQueries(workGroup), {
    every: (seen) => (seen?.some((one) => isRunning(one.Status?.State)) ? FAST_MS : SLOW_MS),
  })
  const columns: Column<QueryExecution>[] = [
    {
      id: "asked",
      header: "Asked",
      cell: (one) => <Instant when={one.Status?.SubmissionDateTime} />,
      text: (one) => one.Status?.SubmissionDateTime,
      sortingField: "asked",
    },
    {
      id: "sql",
      header: "Statement",
      cell: (one) => (
        <div className="clary-statement" title={one.Query}>
          {one.Query?.replace(/\s+/g, " ")}
        </div>
      ),
      text: (one) => one.Query,
      isRowHeader: true,
    },
    {
      id: "state",
      header: "State",
      cell: (one) => <Status status={one.Status?.State} />,
      text: (one) => one.Status?.State,
    },
    {
      id: "took",
      header: "Took",
      cell: (one) => <span className="clary-numbers">{duration(one.Statistics?.TotalExecutionTimeInMillis)}</span>,
      text: (one) => one.Statistics?.TotalExecutionTimeInMillis,
      sortingField: "took",
    },
    {
      id: "scanned",
      header: "Scanned",
      cell: (one) => <span className="clary-numbers clary-nowrap">{bytes(one.Statistics?.DataScannedInBytes)}</span>,
      text: (one) => one.Statistics?.DataScannedInBytes,
      sortingField: "scanned",
    },
    {
      id: "do",
      header: "Actions",
      cell: (one) => (
        <span className="clary-inline">
          <Button variant="inline-link" onClick={() => onOpen(one.QueryExecutionId ?? "")}>
            Open
          </Button>
          <Button variant="inline-link" onClick={() => onRerun(one.Query ?? "", one.QueryExecutionContext?.Database)}>
            To the box
          </Button>
        </span>
      ),
    },
  ]
  return (
    <SpaceBetween size="xs">
      <ResourceTable
        title="Queries"
        rows={data}
        error={error}
        again={() => void refetch()}
        columns={columns}
        id={(one) => one.QueryExecutionId ?? ""}
        sorted={{ id: "asked", descending: true }}
        empty={<Empty title="No queries yet">What you run is kept here.</Empty>}
      />
      {data && data.length >= MOST && <Box color="text-body-secondary">The last {count(data.length)} queries.</Box>}
    </SpaceBetween>
  )
}
