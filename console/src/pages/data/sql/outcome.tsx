/** What became of a query: its state, its error with the place, its results as rows and as a chart. */
import { AthenaClient, GetQueryRuntimeStatisticsCommand, type QueryExecution } from "@aws-sdk/client-athena"
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useQuery } from "@tanstack/react-query"
import { aws } from "@/aws/client"
import { Code, Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { bytes, count, duration } from "@/parts/format"
import { parseS3, S3 } from "@/parts/s3"
import { Status } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { useDownload } from "../s3/download"
import { isRunning } from "./athena"
import { ChartOf } from "./chart-of"
import { Rows } from "./rows"
import { placeIn, pointed } from "./text"

type Props = { execution: QueryExecution | undefined; asked: boolean; onPlace: (at: number) => void }

export function Outcome({ execution, asked, onPlace }: Props) {
  if (!asked) {
    return <Empty title="Nothing was asked yet">Write a statement and run it; its rows come here.</Empty>
  }
  if (!execution) return <Waiting what="Asking" />
  const state = execution.Status?.State
  return (
    <SpaceBetween size="m">
      <State execution={execution} />
      {state === "FAILED" && <Failed execution={execution} onPlace={onPlace} />}
      {state === "CANCELLED" && <Alert type="info">The query was cancelled.</Alert>}
      {state === "SUCCEEDED" && <Answer execution={execution} />}
    </SpaceBetween>
  )
}

function State({ execution }: { execution: QueryExecution }) {
  const { Status: status, Statistics: spent } = execution
  const ended = status?.State === "SUCCEEDED"
  const { data } = useQuery({
    queryKey: ["athena", "statistics", execution.QueryExecutionId],
    queryFn: () =>
      aws(AthenaClient).send(new GetQueryRuntimeStatisticsCommand({ QueryExecutionId: execution.QueryExecutionId })),
    enabled: ended,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const rows = data?.QueryRuntimeStatistics?.Rows?.OutputRows
  const took = isRunning(status?.State) ? (
    <Took key="t" from={status?.SubmissionDateTime} to={undefined} />
  ) : (
    duration(spent?.TotalExecutionTimeInMillis)
  )
  return (
    <Container
      footer={
        <ExpandableSection headerText="Details" variant="footer">
          <Facts
            columns={2}
            facts={[
              ["Asked", <Instant key="a" when={status?.SubmissionDateTime} />],
              ["Database", execution.QueryExecutionContext?.Database],
              ["Results", <S3 key="r" uri={execution.ResultConfiguration?.OutputLocation} />],
              ["Query", <Copy key="q" text={execution.QueryExecutionId ?? ""} shown={execution.QueryExecutionId} />],
            ]}
          />
        </ExpandableSection>
      }
    >
      <Facts
        facts={[
          ["State", <Status key="s" status={status?.State} />],
          // Lines of SHOW and DESCRIBE are not counted as rows.
          ["Rows", ended && execution.StatementType === "DML" ? count(rows) : undefined],
          ["Took", took],
          ["Data scanned", bytes(spent?.DataScannedInBytes)],
        ]}
      />
    </Container>
  )
}

function Failed({ execution, onPlace }: { execution: QueryExecution; onPlace: (at: number) => void }) {
  const said = execution.Status?.StateChangeReason ?? "Athena does not say why."
  const sql = execution.Query ?? ""
  const place = placeIn(said, sql)
  return (
    <Alert
      type="error"
      header="The query failed"
      action={place && <Button onClick={() => onPlace(place.at)}>Go there</Button>}
    >
      <SpaceBetween size="xs">
        <span className="clary-break">{said}</span>
        {place && <Code text={pointed(sql, place)} label={`Line ${place.line}`} />}
      </SpaceBetween>
    </Alert>
  )
}

function Answer({ execution }: { execution: QueryExecution }) {
  const output = execution.ResultConfiguration?.OutputLocation ?? ""
  const at = parseS3(output)
  const save = useDownload()
  const table = execution.StatementType === "DML"
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button iconName="download" loading={save.isPending} disabled={!at} onClick={() => at && save.mutate(at)}>
              {output.endsWith(".csv") ? "Download CSV" : "Download"}
            </Button>
          }
        >
          Answer
        </Header>
      }
    >
      {table ? (
        <Tabs
          ariaLabel="Answer"
          tabs={[
            { id: "rows", label: "Rows", content: <Rows execution={execution} /> },
            { id: "chart", label: "Chart", content: <ChartOf execution={execution} /> },
          ]}
        />
      ) : (
        <Rows execution={execution} />
      )}
    </Container>
  )
}
