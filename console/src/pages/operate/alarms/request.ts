/** The form of an alarm, and the request it becomes. Pure functions. */
import type {
  ComparisonOperator,
  MetricAlarm,
  MetricDataQuery,
  PutMetricAlarmCommandInput,
  Statistic,
} from "@aws-sdk/client-cloudwatch"
import { isMath, type MetricPick, metricOf, type Pick, read } from "../metrics/picks"
import { periodOf } from "./words"

export type Form = {
  name: string
  description: string
  namespace: string
  metric: string
  dimensions: [string, string][]
  stat: string
  /** An alarm on math: its queries, the first of which is the expression that counts. */
  math: Pick[]
  period: number
  comparison: string
  threshold: string
  periods: string
  needed: string
  missing: string
  alarmActions: string[]
  okActions: string[]
  dataActions: string[]
  enabled: boolean
}

export const BLANK: Form = {
  name: "",
  description: "",
  namespace: "",
  metric: "",
  dimensions: [],
  stat: "Average",
  math: [],
  period: 60,
  comparison: "GreaterThanThreshold",
  threshold: "",
  periods: "1",
  needed: "1",
  missing: "missing",
  alarmActions: [],
  okActions: [],
  dataActions: [],
  enabled: true,
}

/** From the metrics page: `make` is a list of picks, the one that counts first. */
export function formOf(make: string, period: string | null): Form {
  let texts: unknown = []
  try {
    texts = JSON.parse(make || "[]")
  } catch {
    return BLANK
  }
  const picks = Array.isArray(texts) ? texts.flatMap((one) => (typeof one === "string" ? (read(one) ?? []) : [])) : []
  const [first] = picks
  if (first === undefined) return BLANK
  const seconds = Number(period) >= 10 ? Number(period) : 60
  if (!isMath(first)) return { ...BLANK, ...onMetric(first), period: seconds }
  return { ...BLANK, math: withoutStrangers(picks), period: seconds }
}

const onMetric = ({ namespace, metric, dimensions, stat }: MetricPick) => ({ namespace, metric, dimensions, stat })

/** Of all metrics those that the expression names: an alarm may have ten, and each costs a read. */
function withoutStrangers(picks: readonly Pick[]): Pick[] {
  const [first, ...rest] = picks
  if (first === undefined || !isMath(first)) return [...picks]
  const named = new Set(first.expression.match(/\b[a-z]\w*\b/g) ?? [])
  return [first, ...(/\bMETRICS\b/.test(first.expression) ? rest : rest.filter((one) => named.has(one.id)))]
}

const BASIC = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
const isBasic = (stat: string): stat is Statistic => BASIC.includes(stat)

/** What an alarm that is there says, as the form. */
export function formFrom(alarm: MetricAlarm): Form {
  return {
    name: alarm.AlarmName ?? "",
    description: alarm.AlarmDescription ?? "",
    namespace: alarm.Namespace ?? "",
    metric: alarm.MetricName ?? "",
    dimensions: (alarm.Dimensions ?? []).map((one) => [one.Name ?? "", one.Value ?? ""]),
    stat: alarm.Statistic ?? alarm.ExtendedStatistic ?? "Average",
    math: picksFrom(alarm.Metrics ?? []),
    period: periodOf(alarm),
    comparison: alarm.ComparisonOperator ?? "GreaterThanThreshold",
    threshold: alarm.Threshold === undefined ? "" : String(alarm.Threshold),
    periods: String(alarm.EvaluationPeriods ?? 1),
    needed: String(alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1),
    missing: alarm.TreatMissingData ?? "missing",
    alarmActions: alarm.AlarmActions ?? [],
    okActions: alarm.OKActions ?? [],
    dataActions: alarm.InsufficientDataActions ?? [],
    enabled: alarm.ActionsEnabled ?? true,
  }
}

/** The queries of an alarm as picks, the one that counts first. */
export function picksFrom(queries: readonly MetricDataQuery[]): Pick[] {
  const sorted = [...queries].sort((a, b) => Number(a.ReturnData === false) - Number(b.ReturnData === false))
  return sorted.map((one): Pick => {
    const metric = one.MetricStat?.Metric
    if (metric === undefined) return { id: one.Id ?? "", expression: one.Expression ?? "" }
    return {
      id: one.Id ?? "",
      namespace: metric.Namespace ?? "",
      metric: metric.MetricName ?? "",
      dimensions: (metric.Dimensions ?? []).map((pair) => [pair.Name ?? "", pair.Value ?? ""]),
      stat: one.MetricStat?.Stat ?? "Average",
    }
  })
}

/** What is plotted for the alarm: one line that counts. */
export function picksOfForm(form: Form): Pick[] {
  if (form.math.length) return form.math
  const { namespace, metric, dimensions, stat } = form
  return metric ? [{ id: "m1", namespace, metric, dimensions, stat }] : []
}

const whole = (text: string) => /^\d+$/.test(text.trim()) && Number(text) >= 1

/** What is wrong with the form, by field, in words; empty: it can be sent. */
export function wrong(form: Form): Partial<Record<keyof Form, string>> {
  const found: Partial<Record<keyof Form, string>> = {}
  if (!form.name.trim()) found.name = "Give it a name."
  if (!form.math.length && !form.metric) found.metric = "Choose the metric that it looks at."
  if (form.threshold.trim() === "" || !Number.isFinite(Number(form.threshold))) found.threshold = "Give a number."
  if (!whole(form.periods)) found.periods = "Give a whole number from 1 on."
  else if (!whole(form.needed) || Number(form.needed) > Number(form.periods))
    found.needed = `Give a whole number from 1 to ${form.periods}.`
  const span = form.period * Number(form.periods)
  if (whole(form.periods) && span > (form.period >= 3_600 ? 604_800 : 86_400))
    found.periods = "All periods together may be a day at most, or a week for periods from an hour on."
  return found
}

/** `was`: the alarm that is changed. An update says everything, so what the form does not show is said again. */
export function request(form: Form, was?: MetricAlarm): PutMetricAlarmCommandInput {
  const common = {
    AlarmName: form.name.trim(),
    AlarmDescription: form.description || undefined,
    ActionsEnabled: form.enabled,
    ComparisonOperator: form.comparison as ComparisonOperator,
    Threshold: Number(form.threshold),
    EvaluationPeriods: Number(form.periods),
    DatapointsToAlarm: Number(form.needed),
    TreatMissingData: form.missing,
    AlarmActions: form.alarmActions,
    OKActions: form.okActions,
    InsufficientDataActions: form.dataActions,
    EvaluateLowSampleCountPercentile: isBasic(form.stat) ? undefined : was?.EvaluateLowSampleCountPercentile,
  }
  if (form.math.length) {
    const Metrics = form.math.map((pick, at): MetricDataQuery => {
      const before = was?.Metrics?.find((one) => one.Id === pick.id)
      if (isMath(pick)) return { ...before, Id: pick.id, Expression: pick.expression, ReturnData: at === 0 }
      const stat = { Metric: metricOf(pick), Period: form.period, Stat: pick.stat }
      return { ...before, Id: pick.id, MetricStat: { ...before?.MetricStat, ...stat }, ReturnData: at === 0 }
    })
    return { ...common, Metrics }
  }
  return {
    ...common,
    Namespace: form.namespace,
    MetricName: form.metric,
    Dimensions: form.dimensions.map(([Name, Value]) => ({ Name, Value })),
    Period: form.period,
    Unit: was?.MetricName === form.metric && was.Namespace === form.namespace ? was.Unit : undefined,
    ...(isBasic(form.stat) ? { Statistic: form.stat } : { ExtendedStatistic: form.stat }),
  }
}
