/** What a row of the list of endpoints says, out of the metrics of the last hour. Pure functions. */
import type { MetricDataQuery, MetricDataResult } from "@aws-sdk/client-cloudwatch"
import type { DescribeEndpointOutput } from "@aws-sdk/client-sagemaker"
import { type Point, points, query, sum, together, total } from "./metrics"

export const HOUR = 3_600

export type Summary = {
  /** Requests of each minute, the oldest first. */
  traffic: Point[]
  requests: number | undefined
  p50: number | undefined
  p99: number | undefined
  errors: number | undefined
}

export type Row = { endpoint: DescribeEndpointOutput; summary: Summary | undefined }

const ASKED = ["requests", "p50", "p99", "client", "server"] as const
type Asked = (typeof ASKED)[number]

/** The hour is asked for in one piece, but for the traffic, which is drawn by the minute. */
const periodOf = (key: Asked): number => (key === "requests" ? 60 : HOUR)

export function hourly(endpoints: readonly DescribeEndpointOutput[]): MetricDataQuery[] {
  return endpoints.flatMap((endpoint, at) =>
    variantsOf(endpoint).flatMap((variant, which) =>
      ASKED.map((key) => query(endpoint.EndpointName ?? "", variant, `e${at}_${which}_${key}`, key, periodOf(key))),
    ),
  )
}

const variantsOf = (endpoint: DescribeEndpointOutput): string[] =>
  (endpoint.ProductionVariants ?? []).flatMap((one) => one.VariantName ?? [])

/** By the number of the endpoint. Percentiles cannot be added up: they are those of the slowest variant. */
export function summaries(results: readonly MetricDataResult[]): Map<number, Summary> {
  const lines = new Map<number, Record<Asked, Point[][]>>()
  for (const result of results) {
    const [, at, key] = /^e(\d+)_\d+_(\w+)$/.exec(result.Id ?? "") ?? []
    const asked = ASKED.find((one) => one === key)
    if (at === undefined || asked === undefined) continue
    const known = lines.get(Number(at)) ?? { requests: [], p50: [], p99: [], client: [], server: [] }
    known[asked].push(points(result))
    lines.set(Number(at), known)
  }
  return new Map([...lines].map(([at, found]) => [at, summaryOf(found)]))
}

function summaryOf(found: Record<Asked, Point[][]>): Summary {
  const traffic = together(found.requests, sum)
  const slowest = (key: "p50" | "p99") => {
    const all = found[key].flat().map(({ y }) => y)
    return all.length ? Math.max(...all) / 1_000 : undefined
  }
  return {
    traffic,
    requests: total(traffic),
    p50: slowest("p50"),
    p99: slowest("p99"),
    errors: total([...found.client, ...found.server].flat()),
  }
}

/** A value for each minute of the hour before `to`; minutes of which nothing is known stay empty. */
export function minutes(traffic: readonly Point[], to: number): (number | undefined)[] {
  const known = new Map(traffic.map(({ x, y }) => [Math.floor(x / 60_000), y]))
  const end = Math.floor(to / 60_000)
  return Array.from({ length: 60 }, (_, at) => known.get(end - 60 + at))
}

/** "2 instances", "2 of 3 instances" where they differ, "" where that is not known. */
export function instances(endpoint: DescribeEndpointOutput): string {
  const all = endpoint.ProductionVariants ?? []
  const add = (key: "CurrentInstanceCount" | "DesiredInstanceCount") =>
    all.some((one) => one[key] !== undefined) ? all.reduce((found, one) => found + (one[key] ?? 0), 0) : undefined
  const [now, wanted] = [add("CurrentInstanceCount"), add("DesiredInstanceCount")]
  if (now === undefined) return ""
  const differ = wanted !== undefined && wanted !== now
  return `${differ ? `${now} of ${wanted}` : now} ${(differ ? wanted : now) === 1 ? "instance" : "instances"}`
}
