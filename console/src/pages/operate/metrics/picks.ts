/** What is plotted, and how it stands in the address: a graph can be linked, kept and sent. Pure functions. */
import type { Dimension, MetricDataQuery } from "@aws-sdk/client-cloudwatch"

export type MetricPick = {
  id: string
  namespace: string
  metric: string
  dimensions: [string, string][]
  stat: string
}
export type MathPick = { id: string; expression: string }
export type Pick = MetricPick | MathPick

export const isMath = (pick: Pick): pick is MathPick => "expression" in pick

/** As CloudWatch writes metrics in graphs: `[id, namespace, name, {dimensions}, statistic]`; math is `[id, expression]`. */
export function written(pick: Pick): string {
  if (isMath(pick)) return JSON.stringify([pick.id, pick.expression])
  return JSON.stringify([pick.id, pick.namespace, pick.metric, Object.fromEntries(pick.dimensions), pick.stat])
}

/** What an address says; undefined where it is no pick (people edit addresses). */
export function read(text: string): Pick | undefined {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(found)) return undefined
  const [id, second, metric, dimensions, stat] = found as unknown[]
  if (typeof id !== "string" || typeof second !== "string" || !/^[a-z]\w*$/.test(id)) return undefined
  if (found.length === 2) return { id, expression: second }
  if (typeof metric !== "string" || typeof stat !== "string" || typeof dimensions !== "object" || dimensions === null)
    return undefined
  const pairs = Object.entries(dimensions).filter((pair): pair is [string, string] => typeof pair[1] === "string")
  return { id, namespace: second, metric, dimensions: pairs, stat }
}

export const picksOf = (params: URLSearchParams): Pick[] => params.getAll("m").flatMap((one) => read(one) ?? [])

/** The first free one of m1, m2 ... (e1 ... for math): math names others by it, so none is given anew while it is used. */
export function freeId(picks: readonly Pick[], letter: "m" | "e"): string {
  const used = new Set(picks.map((one) => one.id))
  for (let n = 1; ; n++) if (!used.has(`${letter}${n}`)) return `${letter}${n}`
}

type Found = { Namespace?: string; MetricName?: string; Dimensions?: Dimension[] }

/** The identity of a metric, whatever the order of its dimensions. */
export const keyOf = (metric: Found): string =>
  JSON.stringify([
    metric.Namespace,
    metric.MetricName,
    (metric.Dimensions ?? []).map((one) => [one.Name, one.Value]).sort(),
  ])

export const dimensionsOf = (pick: MetricPick): Dimension[] => pick.dimensions.map(([Name, Value]) => ({ Name, Value }))

export const metricOf = (pick: MetricPick) => ({
  Namespace: pick.namespace,
  MetricName: pick.metric,
  Dimensions: dimensionsOf(pick),
})

const COUNTED = /^(Invocations|.*Errors?|.*Rules|.*Events|MatchedEvents|.*Count|Failed.*|Number.*)$/

/** Counts are added up, the rest is averaged. */
export const statFor = (metric: string): string => (COUNTED.test(metric) ? "Sum" : "Average")

export function pickOf(metric: Found, picks: readonly Pick[]): MetricPick {
  return {
    id: freeId(picks, "m"),
    namespace: metric.Namespace ?? "",
    metric: metric.MetricName ?? "",
    dimensions: (metric.Dimensions ?? []).map((one) => [one.Name ?? "", one.Value ?? ""]),
    stat: statFor(metric.MetricName ?? ""),
  }
}

/** What a line is called: its metric, and of its dimensions what sets it apart. */
export function titleOf(pick: Pick, picks: readonly Pick[]): string {
  if (isMath(pick)) return pick.expression
  const others = picks.filter((one): one is MetricPick => !isMath(one) && one !== pick)
  const apart = pick.dimensions.filter(
    ([name, value]) =>
      others.length === 0 || others.some((one) => one.dimensions.find(([n]) => n === name)?.[1] !== value),
  )
  const said = (apart.length ? apart : pick.dimensions).map(([, value]) => value)
  return [`${pick.metric} (${pick.stat})`, ...said].join(" · ")
}

export const queriesOf = (picks: readonly Pick[], period: number): MetricDataQuery[] =>
  picks.map((pick) =>
    isMath(pick)
      ? { Id: pick.id, Expression: pick.expression, Period: period }
      : { Id: pick.id, MetricStat: { Metric: metricOf(pick), Period: period, Stat: pick.stat } },
  )
