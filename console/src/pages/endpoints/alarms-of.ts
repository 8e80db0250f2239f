/** Which of all alarms concern an endpoint. */
import type { CompositeAlarm, MetricAlarm } from "@aws-sdk/client-cloudwatch"

export type Alarm = {
  name: string
  arn: string
  state: string
  reason: string
  since: Date | undefined
  what: string
  /** Made by a policy of Application Auto Scaling, which looks after it. */
  tracking: boolean
}

const looksAt = (alarm: MetricAlarm, endpoint: string): boolean =>
  [alarm, ...(alarm.Metrics ?? []).map((one) => one.MetricStat?.Metric ?? {})].some((one) =>
    (one.Dimensions ?? []).some((pair) => pair.Name === "EndpointName" && pair.Value === endpoint),
  )

const isComposite = (alarm: MetricAlarm | CompositeAlarm): alarm is CompositeAlarm => "AlarmRule" in alarm

const SIGNS: Record<string, string> = {
  GreaterThanThreshold: ">",
  GreaterThanOrEqualToThreshold: "≥",
  LessThanThreshold: "<",
  LessThanOrEqualToThreshold: "≤",
}

function what(alarm: MetricAlarm | CompositeAlarm): string {
  if (isComposite(alarm)) return alarm.AlarmRule ?? ""
  const variant = alarm.Dimensions?.find((one) => one.Name === "VariantName")?.Value
  const metric = alarm.MetricName
    ? `${alarm.Statistic ?? alarm.ExtendedStatistic} of ${alarm.MetricName}`
    : "metric math"
  const sign = SIGNS[alarm.ComparisonOperator ?? ""] ?? alarm.ComparisonOperator ?? ""
  const window = `${alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods} of ${alarm.EvaluationPeriods} × ${alarm.Period ?? "–"} s`
  return `${metric}${variant ? ` of ${variant}` : ""} ${sign} ${alarm.Threshold ?? "–"} (${window})`
}

/** The alarms that a rule asks: ALARM("a"), OK(b), also by their ARN. */
const named = (rule: string): string[] =>
  [...rule.matchAll(/\(\s*(?:"([^"]+)"|([^()"\s]+))\s*\)/g)].map(([, quoted, bare]) => {
    const name = quoted ?? bare ?? ""
    return name.startsWith("arn:") ? (name.split(":alarm:")[1] ?? name) : name
  })

export function alarmsOf(endpoint: string, every: readonly (MetricAlarm | CompositeAlarm)[]): Alarm[] {
  const metric = every.filter((one) => !isComposite(one) && looksAt(one, endpoint))
  const names = new Set(metric.map((one) => one.AlarmName))
  const composite = every.filter(
    (one) => isComposite(one) && named(one.AlarmRule ?? "").some((name) => names.has(name)),
  )
  return [...metric, ...composite].map((one) => ({
    name: one.AlarmName ?? "",
    arn: one.AlarmArn ?? "",
    state: one.StateValue ?? "",
    reason: one.StateReason ?? "",
    since: one.StateUpdatedTimestamp,
    what: what(one),
    tracking: (one.AlarmName ?? "").startsWith("TargetTracking-"),
  }))
}
