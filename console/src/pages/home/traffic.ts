/** What endpoints served in the last hour: requests by the minute, the slowest hundredth, and errors. */
import { CloudWatchClient, GetMetricDataCommand, type MetricDataResult } from "@aws-sdk/client-cloudwatch"
import { aws } from "@/aws/client"

export type Traffic = {
  /** Requests in each minute of the hour; undefined: nothing was told of that minute. */
  requests: (number | undefined)[]
  total?: number
  /** ms; of several variants, that of the slowest one. */
  p99?: number
  failed?: number
}

export const MINUTES = 60
const MINUTE_MS = 60_000
/** Four questions each, and a request may have five hundred of them. */
export const MOST_ENDPOINTS = 20

const search = (endpoint: string, metric: string, statistic: string, period: number) =>
  `SEARCH('{AWS/SageMaker,EndpointName,VariantName} MetricName="${metric}" EndpointName="${endpoint}"', '${statistic}', ${period})`

export async function traffic(endpoints: readonly string[], now = Date.now()): Promise<Record<string, Traffic>> {
  const asked = endpoints.slice(0, MOST_ENDPOINTS)
  if (!asked.length) return {}
  const end = Math.ceil(now / MINUTE_MS) * MINUTE_MS
  const start = end - MINUTES * MINUTE_MS
  const hour = MINUTES * 60
  const { MetricDataResults: results = [] } = await aws(CloudWatchClient).send(
    new GetMetricDataCommand({
      StartTime: new Date(start),
      EndTime: new Date(end),
      MetricDataQueries: asked.flatMap((name, at) => [
        { Id: `r${at}`, Expression: `SUM(${search(name, "Invocations", "Sum", 60)})` },
        { Id: `p${at}`, Expression: `MAX(${search(name, "ModelLatency", "p99", hour)})` },
        { Id: `c${at}`, Expression: `SUM(${search(name, "Invocation4XXErrors", "Sum", hour)})` },
        { Id: `s${at}`, Expression: `SUM(${search(name, "Invocation5XXErrors", "Sum", hour)})` },
      ]),
    }),
  )
  return Object.fromEntries(asked.map((name, at) => [name, trafficOf(results, at, start)]))
}

/** The answers of the endpoint that was asked for as number `at`. */
export function trafficOf(results: readonly MetricDataResult[], at: number, start: number): Traffic {
  const of = (letter: string) => results.find((one) => one.Id === `${letter}${at}`)
  const sum = (letter: string) => {
    const values = of(letter)?.Values ?? []
    return values.length ? values.reduce((a, b) => a + b, 0) : undefined
  }
  const requests: (number | undefined)[] = Array.from({ length: MINUTES })
  const told = of("r")
  told?.Timestamps?.forEach((when, index) => {
    const minute = Math.floor((when.getTime() - start) / MINUTE_MS)
    if (minute >= 0 && minute < MINUTES) requests[minute] = told.Values?.[index]
  })
  const latencies = of("p")?.Values ?? []
  const [client, server] = [sum("c"), sum("s")]
  return {
    requests,
    ...(told?.Values?.length ? { total: sum("r") } : {}),
    ...(latencies.length ? { p99: Math.max(...latencies) / 1_000 } : {}),
    ...(client !== undefined || server !== undefined ? { failed: (client ?? 0) + (server ?? 0) } : {}),
  }
}
