/** Crawlers: what they look at, how the last crawl ended, and the buttons that run and stop them. */
import {
  type Crawler,
  GetCrawlersCommand,
  GlueClient,
  StartCrawlerCommand,
  StopCrawlerCommand,
} from "@aws-sdk/client-glue"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Popover from "@cloudscape-design/components/popover"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"

const allCrawlers = () =>
  all(
    (token) => aws(GlueClient).send(new GetCrawlersCommand({ NextToken: token })),
    (page) => page.Crawlers,
    (page) => page.NextToken,
  )

const targetsOf = (one: Crawler): string[] => [
  ...(one.Targets?.S3Targets ?? []).map((target) => target.Path ?? ""),
  ...(one.Targets?.CatalogTargets ?? []).flatMap((target) =>
    (target.Tables ?? []).map((table) => `${target.DatabaseName ?? ""}.${table}`),
  ),
]

export function Crawlers() {
  const { data, error, refetch } = useLive(["glue", "crawlers"], allCrawlers, {
    every: (seen) => (seen?.some((one) => one.State !== "READY") ? FAST_MS : SLOW_MS),
  })
  const run = useAct(
    (name: string) => aws(GlueClient).send(new StartCrawlerCommand({ Name: name })),
    (_, name) => `The crawler ${name} runs.`,
  )
  const stop = useAct(
    (name: string) => aws(GlueClient).send(new StopCrawlerCommand({ Name: name })),
    (_, name) => `The crawler ${name} stops.`,
  )
  const columns: Column<Crawler>[] = [
    {
      id: "name",
      header: "Crawler",
      cell: (one) => one.Name,
      text: (one) => one.Name,
      sortingField: "Name",
      isRowHeader: true,
    },
    { id: "state", header: "State", cell: (one) => <Status status={one.State} />, text: (one) => one.State },
    {
      id: "targets",
      header: "Looks at",
      cell: (one) =>
        targetsOf(one).map((target) => (
          <div key={target}>{target.startsWith("s3:") ? <S3 uri={target} /> : target}</div>
        )),
      text: (one) => targetsOf(one).join(" "),
    },
    {
      id: "database",
      header: "Writes to",
      cell: (one) =>
        one.DatabaseName ? <To to={`/data/catalog/${one.DatabaseName}`}>{one.DatabaseName}</To> : "its own tables",
      text: (one) => one.DatabaseName,
    },
    {
      id: "last",
      header: "Last crawl",
      cell: (one) => <LastCrawl crawler={one} />,
      text: (one) => one.LastCrawl?.Status,
    },
    { id: "schedule", header: "Schedule", cell: (one) => one.Schedule?.ScheduleExpression ?? "–" },
    {
      id: "do",
      header: "Actions",
      cell: (one) =>
        one.State === "READY" ? (
          <Button variant="inline-link" ariaLabel={`Run ${one.Name}`} onClick={() => run.mutate(one.Name ?? "")}>
            Run
          </Button>
        ) : (
          <Button
            variant="inline-link"
            ariaLabel={`Stop ${one.Name}`}
            disabled={one.State === "STOPPING"}
            onClick={() => stop.mutate(one.Name ?? "")}
          >
            Stop
          </Button>
        ),
    },
  ]
  return (
    <ResourceTable
      title="Crawlers"
      param="crawler"
      description="They look at files and write the tables by themselves."
      rows={data}
      error={error}
      again={() => void refetch()}
      columns={columns}
      id={(one) => one.Name ?? ""}
      sorted={{ id: "name" }}
      empty={
        <Empty title="No crawlers">
          Make one by glue.create_crawler: given a folder in S3, a role and a database, it finds the tables.
        </Empty>
      }
    />
  )
}

/** How it ended and when; what went wrong is a click away. */
function LastCrawl({ crawler }: { crawler: Crawler }) {
  const last = crawler.LastCrawl
  if (!last?.Status) return <Box color="text-body-secondary">never</Box>
  const shown = (
    <>
      <Status status={last.Status} /> <Ago when={last.StartTime} />
    </>
  )
  if (!last.ErrorMessage) return <span className="clary-nowrap">{shown}</span>
  return (
    <span className="clary-nowrap">
      <Popover content={<span className="clary-break">{last.ErrorMessage}</span>} dismissAriaLabel="Close">
        <Status status={last.Status} />
      </Popover>{" "}
      <Ago when={last.StartTime} />
    </span>
  )
}
