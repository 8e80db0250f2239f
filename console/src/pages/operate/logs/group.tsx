/** One log group: its streams, what is counted in it, how long it keeps its lines. */
import {
  DeleteLogGroupCommand,
  DeleteMetricFilterCommand,
  type LogStream,
  type MetricFilter,
} from "@aws-sdk/client-cloudwatch-logs"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate } from "react-router"
import { useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { bytes, count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Ago, Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { consoleHref, To, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { written } from "../metrics/picks"
import { searchAt, streamAt, writerAt } from "./place"
import { listStreams, logs, MOST_STREAMS, metricFilters, readGroup, subscriptionFilters } from "./reads"
import { kept, Retention } from "./retention"

const moment = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms))

export function GroupPage({ name }: { name: string }) {
  usePage([
    { text: "Logs", href: "/operate/logs" },
    { text: name, href: "" },
  ])
  const follow = useFollow()
  const [asking, setAsking] = useState<"" | "retention" | "delete">("")
  const group = useLive(["log-group", name], () => readGroup(name))
  const streams = useLive(["log-streams", name], () => listStreams(name), { enabled: !!group.data })
  const filters = useLive(["log-filters", name], () => metricFilters(name), { enabled: !!group.data })
  const subscriptions = useLive(["log-subscriptions", name], () => subscriptionFilters(name), {
    enabled: !!group.data,
  })
  if (group.error && !group.data) return <Problem error={group.error} again={() => void group.refetch()} />
  if (group.data === undefined) return <Waiting what={`Reading ${name}`} />
  if (group.data === null) return <Nowhere what={`The log group ${name}`} />
  const days = group.data.retentionInDays
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h1"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setAsking("delete")}>Delete</Button>
                <Button onClick={() => setAsking("retention")}>Set retention</Button>
                <Button variant="primary" href={consoleHref(searchAt(name))} onFollow={follow}>
                  Search
                </Button>
              </SpaceBetween>
            }
          >
            <span className="clary-break">{name}</span>
          </Header>
        }
      >
        <Facts
          facts={[
            ["On disk", bytes(group.data.storedBytes)],
            ["Kept", kept(days)],
            ["Made", <Ago key="made" when={moment(group.data.creationTime)} />],
            ["ARN", <Copy key="arn" text={group.data.logGroupArn ?? ""} shown={group.data.logGroupArn ?? "–"} />],
          ]}
        />
      </Container>
      <Streams group={name} rows={streams.data} error={streams.error} again={() => void streams.refetch()} />
      <Filters group={name} rows={filters.data} error={filters.error} />
      {(subscriptions.data ?? []).length > 0 && (
        <ResourceTable
          title="Subscription filters"
          description="Lines that match go on as events"
          rows={subscriptions.data}
          id={(one) => one.filterName ?? ""}
          noFilter
          wrap
          columns={[
            { id: "name", header: "Filter", cell: (one) => one.filterName, isRowHeader: true },
            {
              id: "pattern",
              header: "Pattern",
              cell: (one) => <span className="clary-mono">{one.filterPattern || "every line"}</span>,
            },
            { id: "to", header: "To", cell: (one) => <span className="clary-break">{one.destinationArn}</span> },
          ]}
          empty={null}
        />
      )}
      {asking === "retention" && <Retention group={name} days={days} onDone={() => setAsking("")} />}
      {asking === "delete" && <Delete name={name} streams={streams.data?.length ?? 0} onNo={() => setAsking("")} />}
    </SpaceBetween>
  )
}

type StreamsProps = { group: string; rows: LogStream[] | undefined; error: Error | null; again: () => void }

function Streams({ group, rows, error, again }: StreamsProps) {
  const columns: Column<LogStream>[] = [
    {
      id: "name",
      header: "Stream",
      isRowHeader: true,
      text: (one) => one.logStreamName,
      cell: (one) => (
        <span className="clary-break">
          <To to={streamAt(group, one.logStreamName ?? "")}>{one.logStreamName}</To>
        </span>
      ),
    },
    {
      id: "first",
      header: "First line",
      text: (one) => one.firstEventTimestamp,
      cell: (one) => <Instant when={moment(one.firstEventTimestamp)} />,
    },
    {
      id: "last",
      header: "Last line",
      text: (one) => one.lastEventTimestamp,
      cell: (one) => <Ago when={moment(one.lastEventTimestamp)} />,
    },
    {
      id: "writer",
      header: "Written by",
      cell: (one) => {
        const to = writerAt(group, one.logStreamName ?? "")
        return to ? <To to={to}>{to.split("/").at(-1) ?? ""}</To> : "–"
      },
    },
  ]
  return (
    <ResourceTable<LogStream>
      title="Streams"
      description={rows && rows.length >= MOST_STREAMS ? `The newest ${count(MOST_STREAMS)}` : undefined}
      rows={rows}
      columns={columns}
      id={(one) => one.logStreamName ?? ""}
      error={error}
      again={again}
      sorted={{ id: "last", descending: true }}
      wrap
      empty={<Empty title="No stream yet">Who writes makes one.</Empty>}
    />
  )
}

type FiltersProps = { group: string; rows: MetricFilter[] | undefined; error: Error | null }

function Filters({ group, rows, error }: FiltersProps) {
  const remove = useAct(
    (filterName: string) => logs().send(new DeleteMetricFilterCommand({ logGroupName: group, filterName })),
    (_, name) => `The metric filter ${name} is deleted`,
  )
  const graph = (one: MetricFilter) => {
    const to = one.metricTransformations?.[0]
    if (!to?.metricNamespace || !to.metricName || Object.keys(to.dimensions ?? {}).length) return undefined
    const pick = { id: "m1", namespace: to.metricNamespace, metric: to.metricName, dimensions: [], stat: "Sum" }
    return `/operate/metrics?${new URLSearchParams({ m: written(pick) })}`
  }
  const columns: Column<MetricFilter>[] = [
    { id: "name", header: "Filter", isRowHeader: true, cell: (one) => one.filterName },
    {
      id: "pattern",
      header: "Pattern",
      cell: (one) => <span className="clary-mono">{one.filterPattern || "every line"}</span>,
    },
    {
      id: "metric",
      header: "Counts into",
      cell: (one) => {
        const to = one.metricTransformations?.[0]
        const said = `${to?.metricNamespace} · ${to?.metricName}`
        const link = graph(one)
        return link ? <To to={link}>{said}</To> : said
      },
    },
    { id: "value", header: "Value", cell: (one) => one.metricTransformations?.[0]?.metricValue ?? "–" },
    {
      id: "remove",
      header: "Delete",
      cell: (one) => (
        <Button
          variant="inline-icon"
          iconName="remove"
          ariaLabel={`Delete the metric filter ${one.filterName}`}
          onClick={() => remove.mutate(one.filterName ?? "")}
        />
      ),
    },
  ]
  return (
    <ResourceTable<MetricFilter>
      title="Metric filters"
      description="Each line that matches counts into a metric"
      rows={rows}
      columns={columns}
      id={(one) => one.filterName ?? ""}
      error={error}
      noFilter
      wrap
      empty={
        <Empty title="Nothing is counted">PutMetricFilter makes a metric of the lines that match a pattern.</Empty>
      }
    />
  )
}

function Delete({ name, streams, onNo }: { name: string; streams: number; onNo: () => void }) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      await logs().send(new DeleteLogGroupCommand({ logGroupName: name }))
      await navigate("/operate/logs")
    },
    `The log group ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete the log group ${name}?`}
      verb="Delete"
      typed={name}
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      {streams === 0
        ? "It has no streams."
        : `All lines of its ${streams === 1 ? "stream" : `${streams >= MOST_STREAMS ? "more than " : ""}${count(streams)} streams`} are gone with it. That cannot be undone.`}
    </Confirm>
  )
}
