/** Time series of CloudWatch for a job: its metrics by the second while those are kept, and what its hosts used. */
import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch"
import { CloudWatchLogsClient, DescribeLogStreamsCommand } from "@aws-sdk/client-cloudwatch-logs"
import { aws } from "@/aws/client"
import type { Series } from "@/parts/chart"
import { groupExists } from "@/parts/log-view"

const MINUTE = 60_000
const MOST_POINTS = 1_000
/** CloudWatch keeps metrics of high resolution this long. */
const SECONDS_KEPT_MS = 3 * 3_600_000

export type Asked = { id: string; title: string; namespace: string; metric: string; dimension: [string, string] }

/** Seconds of a period that answers the window in not too many points, and in which the points are still kept. */
export function periodFor(from: number, to: number, now: number, finest: 1 | 60): number {
  const span = (to - from) / 1_000
  const fine = finest === 1 && now - from < SECONDS_KEPT_MS ? 1 : 60
  const least = now - from > 63 * 86_400_000 ? 3_600 : now - from > 15 * 86_400_000 ? 300 : fine
  return (
    [1, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400].find((one) => one >= least && span / one <= MOST_POINTS) ??
    86_400
  )
}

export async function timeSeries(
  asked: readonly Asked[],
  window: { from: Date; to: Date | undefined },
  finest: 1 | 60,
): Promise<Series<Date>[]> {
  if (asked.length === 0) return []
  const now = Date.now()
  const from = Math.floor(window.from.getTime() / MINUTE) * MINUTE
  const to = Math.ceil(((window.to?.getTime() ?? now) + MINUTE) / MINUTE) * MINUTE
  const period = periodFor(from, to, now, finest)
  const points = new Map<string, { x: Date; y: number }[]>()
  const queries: MetricDataQuery[] = asked.map((one) => ({
    Id: one.id,
    MetricStat: {
      Stat: "Average",
      Period: period,
      Metric: {
        Namespace: one.namespace,
        MetricName: one.metric,
        Dimensions: [{ Name: one.dimension[0], Value: one.dimension[1] }],
      },
    },
  }))
  let NextToken: string | undefined
  do {
    const page = await aws(CloudWatchClient).send(
      new GetMetricDataCommand({
        MetricDataQueries: queries,
        StartTime: new Date(from),
        EndTime: new Date(to),
        ScanBy: "TimestampAscending",
        NextToken,
      }),
    )
    for (const one of page.MetricDataResults ?? []) {
      const seen = points.get(one.Id ?? "") ?? []
      one.Timestamps?.forEach((x, at) => {
        const y = one.Values?.[at]
        if (y !== undefined) seen.push({ x, y })
      })
      points.set(one.Id ?? "", seen)
    }
    NextToken = page.NextToken
  } while (NextToken)
  return asked.map((one) => ({ title: one.title, points: points.get(one.id) ?? [] }))
}

/** The hosts of a job, as its log streams name them: <job>/<host>-<start>[/...]. */
export async function hostsOf(group: string, job: string): Promise<string[]> {
  const found = new Set<string>()
  if (!(await groupExists(group))) return []
  let nextToken: string | undefined
  do {
    const page = await aws(CloudWatchLogsClient).send(
      new DescribeLogStreamsCommand({ logGroupName: group, logStreamNamePrefix: `${job}/`, nextToken }),
    )
    for (const one of page.logStreams ?? []) found.add(hostOf(one.logStreamName ?? ""))
    nextToken = page.nextToken
  } while (nextToken)
  found.delete("")
  return [...found].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
}

export const hostOf = (stream: string): string => (stream.split("/")[1] ?? "").replace(/-\d+$/, "")
