/** Alarms in words. Pure functions. */
import type { AlarmHistoryItem, CompositeAlarm, Dimension, MetricAlarm } from "@aws-sdk/client-cloudwatch"
import { duration, number } from "@/parts/format"

export type Alarm = MetricAlarm | CompositeAlarm

export const isComposite = (alarm: Alarm): alarm is CompositeAlarm => "AlarmRule" in alarm

export const COMPARISONS: { value: string; label: string; sign: string }[] = [
  { value: "GreaterThanThreshold", label: "is greater than", sign: ">" },
  { value: "GreaterThanOrEqualToThreshold", label: "is at least", sign: "≥" },
  { value: "LessThanThreshold", label: "is less than", sign: "<" },
  { value: "LessThanOrEqualToThreshold", label: "is at most", sign: "≤" },
]

export const MISSING: { value: string; label: string; description: string }[] = [
  { value: "missing", label: "Missing", description: "No point at all is INSUFFICIENT_DATA" },
  { value: "notBreaching", label: "Good", description: "What is missing counts as within the threshold" },
  { value: "breaching", label: "Bad", description: "What is missing counts as beyond the threshold" },
  { value: "ignore", label: "Ignored", description: "The state stays as it is" },
]

const sign = (operator: string | undefined): string =>
  COMPARISONS.find((one) => one.value === operator)?.sign ?? operator ?? ""

export const dimensionsIn = (dimensions: readonly Dimension[] | undefined): string =>
  (dimensions ?? []).map((one) => `${one.Name} = ${one.Value}`).join(", ")

/** What the alarm looks at: "p99 of ModelLatency", "m1 / m2". */
export function subject(alarm: MetricAlarm): string {
  if (alarm.MetricName) return `${alarm.Statistic ?? alarm.ExtendedStatistic} of ${alarm.MetricName}`
  return (alarm.Metrics ?? []).find((one) => one.ReturnData !== false)?.Expression ?? "metric math"
}

/** The seconds of a period: of an alarm on math those of its metrics. */
export const periodOf = (alarm: MetricAlarm): number =>
  alarm.Period ??
  (alarm.Metrics ?? []).map((one) => one.MetricStat?.Period ?? one.Period).find((one) => one !== undefined) ??
  60

/** "Sum of Orders > 15, for 2 of 3 periods of 1 min". */
export function calls(alarm: Alarm): string {
  if (isComposite(alarm)) return alarm.AlarmRule ?? ""
  const [of, need] = [alarm.EvaluationPeriods ?? 1, alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1]
  const period = duration(periodOf(alarm) * 1_000)
  const window = of === 1 ? `for ${period}` : `for ${need === of ? of : `${need} of ${of}`} periods of ${period}`
  return `${subject(alarm)} ${sign(alarm.ComparisonOperator)} ${number(alarm.Threshold)}, ${window}`
}

/** The alarms that a rule asks: ALARM("a"), OK(b), also by their ARN. */
export const asked = (rule: string): string[] => [
  ...new Set(
    [...rule.matchAll(/\(\s*(?:"((?:[^"\\]|\\.)+)"|([^()"\s]+))\s*\)/g)].map(([, quoted, bare]) => {
      const name = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? ""
      return name.startsWith("arn:") ? (name.split(":alarm:")[1] ?? name) : name
    }),
  ),
]

export const actionsOf = (alarm: Alarm): { when: string; arns: string[] }[] => [
  { when: "In alarm", arns: alarm.AlarmActions ?? [] },
  { when: "OK again", arns: alarm.OKActions ?? [] },
  { when: "Not enough data", arns: alarm.InsufficientDataActions ?? [] },
]

/** Where an item of the history led: "OK", "ALARM"; empty where it is no change of state. */
export function stateAfter(item: AlarmHistoryItem): string {
  try {
    const data = JSON.parse(item.HistoryData ?? "") as { newState?: { stateValue?: string } }
    return data.newState?.stateValue ?? ""
  } catch {
    return ""
  }
}

export const KINDS: Record<string, string> = {
  StateUpdate: "State",
  Action: "Action",
  ConfigurationUpdate: "Change",
}
