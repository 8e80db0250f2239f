/** What is asked of CloudWatch about an endpoint, and how its answers become lines over time. Pure functions. */
import type { MetricDataQuery, MetricDataResult } from "@aws-sdk/client-cloudwatch"

export type Point = { x: number; y: number }

export type Span = { id: string; text: string; seconds: number; period: number }

/** The spans that one may look at. Clary keeps seconds for three hours, so the shortest shows ten of them a point. */
export const SPANS: Span[] = [
  { id: "15m", text: "15 min", seconds: 900, period: 10 },
  { id: "1h", text: "1 h", seconds: 3_600, period: 60 },
  { id: "6h", text: "6 h", seconds: 21_600, period: 60 },
  { id: "1d", text: "1 d", seconds: 86_400, period: 300 },
]

export const spanOf = (id: string | null): Span => SPANS.find((one) => one.id === id) ?? (SPANS[0] as Span)

const SERVED = "AWS/SageMaker"
const USED = "/aws/sagemaker/Endpoints"
/** What instances use is told once a minute, whatever is looked at. */
const MINUTE = 60

type Asked = { namespace: string; metric: string; stat: string; minutely?: true }

/** Everything that the time line draws of one variant. */
export const ASKED = {
  requests: { namespace: SERVED, metric: "Invocations", stat: "Sum" },
  p50: { namespace: SERVED, metric: "ModelLatency", stat: "p50" },
  p90: { namespace: SERVED, metric: "ModelLatency", stat: "p90" },
  p99: { namespace: SERVED, metric: "ModelLatency", stat: "p99" },
  overhead: { namespace: SERVED, metric: "OverheadLatency", stat: "p50" },
  client: { namespace: SERVED, metric: "Invocation4XXErrors", stat: "Sum" },
  server: { namespace: SERVED, metric: "Invocation5XXErrors", stat: "Sum" },
  // One value for each instance and minute: their number is that of the instances.
  instances: { namespace: USED, metric: "CPUUtilization", stat: "SampleCount", minutely: true },
  cpu: { namespace: USED, metric: "CPUUtilization", stat: "Average", minutely: true },
  memory: { namespace: USED, metric: "MemoryUtilization", stat: "Average", minutely: true },
} as const satisfies Record<string, Asked>

export type Key = keyof typeof ASKED
export const KEYS = Object.keys(ASKED) as Key[]
export type Measured = Record<Key, Point[]>

/** A query's id holds no names, which may have any letters: the number of the variant, and what is asked. */
export function queries(endpoint: string, variants: readonly string[], period: number): MetricDataQuery[] {
  return variants.flatMap((variant, at) => KEYS.map((key) => query(endpoint, variant, `v${at}_${key}`, key, period)))
}

export function query(endpoint: string, variant: string, id: string, key: Key, period: number): MetricDataQuery {
  const asked: Asked = ASKED[key]
  return {
    Id: id,
    MetricStat: {
      Metric: {
        Namespace: asked.namespace,
        MetricName: asked.metric,
        Dimensions: [
          { Name: "EndpointName", Value: endpoint },
          { Name: "VariantName", Value: variant },
        ],
      },
      Period: asked.minutely ? MINUTE : period,
      Stat: asked.stat,
    },
  }
}

export const noneMeasured = (): Measured => Object.fromEntries(KEYS.map((key) => [key, [] as Point[]])) as Measured

/** The answer, by variant. Counts are told for a minute, latencies in milliseconds. */
export function measured(results: readonly MetricDataResult[], variants: readonly string[], period: number) {
  const found = new Map<string, Measured>(variants.map((one) => [one, noneMeasured()]))
  for (const result of results) {
    const [, at, key] = /^v(\d+)_(\w+)$/.exec(result.Id ?? "") ?? []
    const variant = variants[Number(at)]
    const into = variant === undefined ? undefined : found.get(variant)
    if (into === undefined || !isKey(key)) continue
    const factor = key === "requests" ? 60 / period : ASKED[key].metric.endsWith("Latency") ? 1 / 1_000 : 1
    into[key].push(...points(result).map(({ x, y }) => ({ x, y: y * factor })))
    into[key].sort((a, b) => a.x - b.x) // pages of an answer may come in any order
  }
  return found
}

const isKey = (key: string | undefined): key is Key => key !== undefined && key in ASKED

/** Times and values of a result, the oldest first. */
export function points(result: MetricDataResult | undefined): Point[] {
  const values = result?.Values ?? []
  return (result?.Timestamps ?? [])
    .flatMap((when, at) => {
      const y = values[at]
      return y === undefined ? [] : [{ x: when.getTime(), y }]
    })
    .sort((a, b) => a.x - b.x)
}

/** Several lines as one. An instant that one of them has not counts what the others say. */
export function together(lines: readonly Point[][], how: (a: number, b: number) => number): Point[] {
  const at = new Map<number, number>()
  for (const { x, y } of lines.flat()) {
    const known = at.get(x)
    at.set(x, known === undefined ? y : how(known, y))
  }
  return [...at].sort(([a], [b]) => a - b).map(([x, y]) => ({ x, y }))
}

export const sum = (a: number, b: number): number => a + b

const HOW: Partial<Record<Key, (a: number, b: number) => number>> = {
  requests: sum,
  client: sum,
  server: sum,
  instances: sum,
}

/**
 * All variants as one: counts are added. Percentiles cannot be; what is shown is the slowest variant's, and the busiest's
 * utilisation.
 */
export function summed(all: Iterable<Measured>): Measured {
  const every = [...all]
  return Object.fromEntries(
    KEYS.map((key) => [
      key,
      together(
        every.map((one) => one[key]),
        HOW[key] ?? Math.max,
      ),
    ]),
  ) as Measured
}

export const total = (line: readonly Point[]): number | undefined =>
  line.length ? line.reduce((found, one) => found + one.y, 0) : undefined

export const last = (line: readonly Point[]): number | undefined => line.at(-1)?.y

/** The value that holds at an instant: of the period in which it lies, and of none that began more than `reach` ms before. */
export function valueAt(line: readonly Point[], x: number, reach: number): number | undefined {
  const found = line.findLast((one) => one.x <= x)
  return found !== undefined && x - found.x <= reach ? found.y : undefined
}
