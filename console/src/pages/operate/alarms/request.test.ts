import { describe, expect, it } from "vitest"
import { written } from "../metrics/picks"
import { BLANK, type Form, formFrom, formOf, request, wrong } from "./request"
import { asked, calls } from "./words"

const GOOD: Form = {
  ...BLANK,
  name: "slow",
  namespace: "Shop",
  metric: "Latency",
  dimensions: [["Store", "berlin"]],
  stat: "p99",
  threshold: "250.5",
  periods: "3",
  needed: "2",
}
const ORDERS = { id: "m1", namespace: "Shop", metric: "Orders", dimensions: [], stat: "Sum" }

describe("the form of an alarm", () => {
  it("says what is wrong, by field", () => {
    expect(wrong(GOOD)).toEqual({})
    expect(Object.keys(wrong(BLANK)).sort()).toEqual(["metric", "name", "threshold"])
    expect(wrong({ ...GOOD, threshold: "much" }).threshold).toBeTruthy()
    expect(wrong({ ...GOOD, needed: "4" }).needed).toContain("1 to 3")
    expect(wrong({ ...GOOD, period: 3_600, periods: "169" }).periods).toContain("a week")
  })

  it("becomes a request: percentiles are extended statistics", () => {
    const asked = request(GOOD)
    expect(asked).toMatchObject({
      ExtendedStatistic: "p99",
      Threshold: 250.5,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
    })
    expect(asked.Statistic).toBeUndefined()
    expect(request({ ...GOOD, stat: "Sum" })).toMatchObject({ Statistic: "Sum", Period: 60 })
  })

  it("is filled by what was plotted, of math only with what it names", () => {
    const picks = [{ id: "e1", expression: "m1 / 2" }, ORDERS, { ...ORDERS, id: "m2" }]
    const form = formOf(JSON.stringify(picks.map(written)), "300")
    expect(form.period).toBe(300)
    expect(form.math.map((one) => one.id)).toEqual(["e1", "m1"])
    expect(request({ ...GOOD, ...form }).Metrics?.map((one) => one.ReturnData)).toEqual([true, false])
    expect(formOf("no json", null)).toEqual(BLANK)
    expect(formOf(JSON.stringify([written(ORDERS)]), "1")).toMatchObject({ metric: "Orders", stat: "Sum", period: 60 })
  })

  it("keeps an alarm that is changed by nothing as it is", () => {
    const { AlarmName, ...alarm } = request({ ...GOOD, alarmActions: ["arn:a"], missing: "breaching", enabled: false })
    const again = request(formFrom({ AlarmName, ...alarm } as Parameters<typeof formFrom>[0]))
    expect(again).toEqual({ AlarmName, ...alarm })
  })

  it("says again what it does not show, when it changes an alarm", () => {
    const was = {
      MetricName: "Latency",
      Namespace: "Shop",
      ExtendedStatistic: "p99",
      Unit: "Seconds" as const,
      EvaluateLowSampleCountPercentile: "ignore",
    }
    expect(request(formFrom(was), was)).toMatchObject(was)
    expect(request({ ...formFrom(was), metric: "Other" }, was).Unit).toBeUndefined()
    const Metrics = [
      { Id: "e1", Expression: "m1", Label: "half", ReturnData: true },
      {
        Id: "m1",
        MetricStat: {
          Metric: { Namespace: "Shop", MetricName: "Orders", Dimensions: [] },
          Period: 60,
          Stat: "Sum",
          Unit: "Count" as const,
        },
        ReturnData: false,
      },
    ]
    expect(request(formFrom({ Metrics }), { Metrics }).Metrics).toEqual(Metrics)
  })
})

it("says in words when it calls, and whom a composite alarm asks", () => {
  expect(calls(request(GOOD) as Parameters<typeof calls>[0])).toBe(
    "p99 of Latency > 250.5, for 2 of 3 periods of 1 min",
  )
  expect(asked('ALARM("a b") AND NOT OK(arn:aws:cloudwatch:us-east-1:1:alarm:c) OR ALARM("a b") OR TRUE')).toEqual([
    "a b",
    "c",
  ])
})
