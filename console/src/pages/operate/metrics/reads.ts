/** What CloudWatch is asked: which metrics there are, their values, and the unit they were told in. */
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  type Metric,
} from "@aws-sdk/client-cloudwatch"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { type MetricPick, metricOf, type Pick, queriesOf } from "./picks"

export type Value = { x: Date; y: number }
/** `id` is the pick that it came of: a search answers several lines, told apart by their `label`. */
export type Line = { key: string; id: string; label: string; values: Value[]; problem: string }

export const MOST_METRICS = 10_000

export const listMetrics = (): Promise<Metric[]> =>
  all(
    (NextToken) => aws(CloudWatchClient).send(new ListMetricsCommand({ NextToken })),
    (page) => page.Metrics,
    (page) => page.NextToken,
    MOST_METRICS,
  )

/** The lines of all picks, the oldest value first. */
export async function lines(picks: readonly Pick[], period: number, from: Date, to: Date): Promise<Line[]> {
  const found = new Map<string, Line>()
  let NextToken: string | undefined
  do {
    const page = await aws(CloudWatchClient).send(
      new GetMetricDataCommand({
        MetricDataQueries: queriesOf(picks, period),
        StartTime: from,
        EndTime: to,
        ScanBy: "TimestampAscending",
        NextToken,
      }),
    )
    for (const one of page.MetricDataResults ?? []) {
      const [id, label] = [one.Id ?? "", one.Label ?? ""]
      const key = `${id} ${label}`
      const known = found.get(key) ?? { key, id, label, values: [], problem: "" }
      const values = one.Values ?? []
      for (const [at, x] of (one.Timestamps ?? []).entries()) {
        const y = values[at]
        if (y !== undefined) known.values.push({ x, y })
      }
      known.problem ||= one.Messages?.[0]?.Value ?? ""
      found.set(key, known)
    }
    NextToken = page.NextToken
  } while (NextToken)
  for (const one of found.values()) one.values.sort((a, b) => a.x.getTime() - b.x.getTime())
  return [...found.values()]
}

/** In what the metric was told: GetMetricData does not say, GetMetricStatistics does. */
export async function unitOf(pick: MetricPick, from: Date, to: Date): Promise<string> {
  const seconds = Math.max(60, Math.ceil((to.getTime() - from.getTime()) / 60_000) * 60)
  const Period = Math.min(seconds, 86_400)
  const found = await aws(CloudWatchClient).send(
    new GetMetricStatisticsCommand({
      ...metricOf(pick),
      StartTime: from,
      EndTime: to,
      Period,
      Statistics: ["SampleCount"],
    }),
  )
  const units = [...new Set((found.Datapoints ?? []).map((one) => one.Unit ?? "None"))]
  return units.filter((one) => one !== "None").join(", ")
}
