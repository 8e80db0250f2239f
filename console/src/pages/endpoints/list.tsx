/** All endpoints: what they serve, how much, how fast, and how well. */
import {
  DescribeEndpointCommand,
  type DescribeEndpointOutput,
  ListEndpointsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { colorChartsPaletteCategorical1 } from "@cloudscape-design/design-tokens"
import { useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { FAST_MS, isMissing, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Sparkline } from "@/parts/sparkline"
import { moving, Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import { usePage } from "@/shell/title"
import { readMetrics } from "./read"
import { HOUR, hourly, instances, minutes, type Row, summaries } from "./summary"
import { latency } from "./timeline/lanes"

async function readEndpoints(): Promise<DescribeEndpointOutput[]> {
  const listed = await all(
    (NextToken) => aws(SageMakerClient).send(new ListEndpointsCommand({ MaxResults: 100, NextToken })),
    (page) => page.Endpoints,
    (page) => page.NextToken,
  )
  const found = await Promise.all(
    listed.map(({ EndpointName }) =>
      aws(SageMakerClient)
        .send(new DescribeEndpointCommand({ EndpointName }))
        .catch((error) => {
          if (isMissing(error)) return undefined // deleted since it was listed
          throw error
        }),
    ),
  )
  return found.filter((one) => one !== undefined)
}

const variants = ({ endpoint }: Row): string =>
  (endpoint.ProductionVariants ?? []).map((one) => one.VariantName).join(", ")

const columns = (to: number): Column<Row>[] => [
  {
    id: "name",
    header: "Endpoint",
    cell: ({ endpoint }) => (
      <span className="clary-break">
        <To to={`/endpoints/${endpoint.EndpointName}`}>{endpoint.EndpointName ?? ""}</To>
      </span>
    ),
    minWidth: 150,
    text: ({ endpoint }) => endpoint.EndpointName,
    sortingField: "name",
    isRowHeader: true,
  },
  {
    id: "status",
    header: "Status",
    cell: ({ endpoint }) => <Status status={endpoint.EndpointStatus} />,
    text: ({ endpoint }) => endpoint.EndpointStatus,
    minWidth: 130,
    sortingField: "status",
  },
  {
    id: "variants",
    header: "Variants",
    cell: (row) => (
      <>
        {variants(row) || "–"}
        <Box variant="small" color="text-body-secondary" display="block">
          {instances(row.endpoint)}
        </Box>
      </>
    ),
    text: variants,
    sortingField: "variants",
  },
  {
    id: "traffic",
    header: "Requests in an hour",
    cell: ({ summary }) =>
      summary?.traffic.length ? (
        <span className="clary-traffic">
          <Sparkline
            values={minutes(summary.traffic, to)}
            label={`${count(summary.requests)} requests in the last hour`}
            width={84}
            color={colorChartsPaletteCategorical1}
          />
          <span className="clary-numbers">{count(summary.requests)}</span>
        </span>
      ) : (
        "–"
      ),
    text: ({ summary }) => summary?.requests,
    sortingField: "traffic",
  },
  {
    id: "latency",
    header: "Latency",
    cell: ({ summary }) =>
      summary?.p50 === undefined || summary.p99 === undefined ? (
        "–"
      ) : (
        <span className="clary-nowrap clary-numbers" title="Model latency of the last hour, of the slowest variant">
          p50 {latency(summary.p50)}
          <Box variant="small" color="text-body-secondary" display="block">
            p99 {latency(summary.p99)}
          </Box>
        </span>
      ),
    text: ({ summary }) => summary?.p99,
    sortingField: "latency",
  },
  {
    id: "errors",
    header: "Errors",
    cell: ({ summary }) => <span className="clary-numbers">{count(summary?.errors)}</span>,
    text: ({ summary }) => summary?.errors,
    sortingField: "errors",
  },
  {
    id: "modified",
    header: "Changed",
    cell: ({ endpoint }) => <Ago when={endpoint.LastModifiedTime} />,
    text: ({ endpoint }) => endpoint.LastModifiedTime,
    sortingField: "modified",
  },
]

const EVERY = { value: "", label: "Every status" }

export function EndpointList() {
  usePage([{ text: "Endpoints", href: "/endpoints" }])
  const follow = useFollow()
  const [params, setParams] = useSearchParams()
  const wanted = params.get("status") ?? ""
  const endpoints = useLive(["endpoints"], readEndpoints, {
    every: (seen) => (seen?.some((one) => moving(one.EndpointStatus)) ? FAST_MS : SLOW_MS),
  })
  const names = endpoints.data?.map((one) => one.EndpointName).join() ?? ""
  const traffic = useLive(
    ["endpoints-traffic", names],
    async () => {
      const to = Date.now()
      const from = new Date(Math.ceil((to - HOUR * 1_000) / 60_000) * 60_000)
      return { to, found: summaries(await readMetrics(hourly(endpoints.data ?? []), from, new Date(to))) }
    },
    { enabled: names !== "", keep: false },
  )
  const every: Row[] | undefined = endpoints.data?.map((endpoint, at) => ({
    endpoint,
    summary: traffic.data?.found.get(at),
  }))
  const states = [...new Set(every?.flatMap((one) => one.endpoint.EndpointStatus ?? []))].sort()
  const options = [EVERY, ...states.map((value) => ({ value, label: value }))]
  return (
    <ResourceTable<Row>
      title="Endpoints"
      headingLevel="h1"
      description="Models that answer requests. Requests, latency and errors are of the last hour."
      rows={every?.filter((one) => !wanted || one.endpoint.EndpointStatus === wanted)}
      columns={columns(traffic.data?.to ?? Date.now())}
      id={(one) => one.endpoint.EndpointName ?? ""}
      error={endpoints.error}
      again={() => void endpoints.refetch()}
      wrap
      sorted={{ id: "modified", descending: true }}
      actions={
        <Button href={consoleHref("/models")} onFollow={follow}>
          Deploy a model
        </Button>
      }
      filters={
        states.length > 1 || wanted ? (
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === wanted) ?? { value: wanted, label: wanted }}
            onChange={({ detail }) =>
              setParams(
                (now) => {
                  if (detail.selectedOption.value) now.set("status", detail.selectedOption.value)
                  else now.delete("status")
                  return now
                },
                { replace: true },
              )
            }
            ariaLabel="Status"
          />
        ) : undefined
      }
      empty={
        wanted ? (
          <Empty title={`No endpoint is ${wanted}`} />
        ) : (
          <Empty
            title="No endpoint yet"
            action={
              <SpaceBetween direction="horizontal" size="xs" alignItems="center">
                <Button variant="primary" href={consoleHref("/examples")} onFollow={follow}>
                  Start an example
                </Button>
                <Button href={consoleHref("/models")} onFollow={follow}>
                  Deploy a model
                </Button>
              </SpaceBetween>
            }
          >
            An endpoint serves a model: approve a version and deploy it, or let an example do the whole road.
          </Empty>
        )
      }
    />
  )
}
