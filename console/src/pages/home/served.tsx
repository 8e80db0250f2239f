import type { EndpointSummary } from "@aws-sdk/client-sagemaker"
import { SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, duration } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Sparkline } from "@/parts/sparkline"
import { Status } from "@/parts/status"
import { To } from "@/shell/link"
import { type Traffic, traffic } from "./traffic"

type Row = EndpointSummary & { traffic?: Traffic }

const COLUMNS: Column<Row>[] = [
  {
    id: "name",
    header: "Name",
    cell: (one) => (
      <span className="clary-break">
        <To to={`/endpoints/${one.EndpointName}`}>{one.EndpointName}</To>
      </span>
    ),
  },
  { id: "status", header: "Status", cell: (one) => <Status status={one.EndpointStatus} />, width: 120 },
  {
    id: "traffic",
    header: "Requests, 1 h",
    cell: (one) => <Requests name={one.EndpointName ?? ""} traffic={one.traffic} />,
    width: 140,
  },
  {
    id: "p99",
    header: "p99",
    cell: (one) => (
      <span className="clary-numbers clary-nowrap" title="Latency of the model: 99 % of the requests were faster">
        {duration(one.traffic?.p99)}
      </span>
    ),
    width: 75,
  },
  {
    id: "errors",
    header: "Errors",
    cell: (one) => <span className="clary-numbers">{count(one.traffic?.failed)}</span>,
    width: 75,
  },
]

function Requests({ name, traffic: seen }: { name: string; traffic: Traffic | undefined }) {
  if (seen?.total === undefined) return <>–</>
  return (
    <span className="clary-home-traffic">
      <span className="clary-numbers clary-home-count">{count(seen.total)}</span>
      <Sparkline values={seen.requests} label={`Requests to ${name} by the minute, in the last hour`} width={72} />
    </span>
  )
}

export function Served({ endpoints }: { endpoints: readonly EndpointSummary[] }) {
  const names = endpoints.flatMap((one) => (one.EndpointName ? [one.EndpointName] : []))
  const { data } = useLive(["home", "traffic", ...names], () => traffic(names), {
    every: SLOW_MS,
    enabled: names.length > 0,
  })
  return (
    <ResourceTable<Row>
      title="Endpoints"
      rows={endpoints.map((one) => ({ ...one, traffic: data?.[one.EndpointName ?? ""] }))}
      columns={COLUMNS}
      id={(one) => one.EndpointName ?? ""}
      pageSize={10}
      param="served"
      noFilter
      empty={
        <Empty title="Nothing is served" action={<To to="/models">Choose a model to deploy</To>}>
          An endpoint answers requests with a model. Its traffic is shown here.
        </Empty>
      }
    />
  )
}
