import { describe, expect, it } from "vitest"
import { nextRun } from "./next"
import { expression, type ScheduleForm, wrong } from "./schedule-form"
import { targetOf } from "./target"

const NOW = Date.UTC(2026, 10, 22, 14, 3, 59) // a Sunday
const next = (text: string, zone = "UTC", more = {}) =>
  nextRun({ expression: text, zone, ...more }, NOW)
    ?.toISOString()
    .slice(0, 16)

describe("the next moment of a schedule", () => {
  it("of cron", () => {
    expect(next("cron(0 3 * * ? *)")).toBe("2026-11-23T03:00")
    expect(next("cron(0 3 * * ? *)", "Europe/Berlin")).toBe("2026-11-23T02:00")
    expect(next("cron(0/15 * * * ? *)")).toBe("2026-11-22T14:15")
    expect(next("cron(30 8 ? * MON-FRI *)")).toBe("2026-11-23T08:30")
    expect(next("cron(0 12 29 2 ? *)")).toBe("2028-02-29T12:00")
    expect(next("cron(0 12 1 JAN ? 2027)")).toBe("2027-01-01T12:00")
    expect(next("cron(0 12 1 1 ? 2020)")).toBeUndefined()
  })

  it("passes over a moment that the clock skips in spring", () => {
    const march = Date.UTC(2027, 2, 27, 12)
    const found = nextRun({ expression: "cron(30 2 * * ? *)", zone: "Europe/Berlin" }, march)
    expect(found?.toISOString()).toBe("2027-03-29T00:30:00.000Z")
  })

  it("of rates and instants, within their bounds", () => {
    const start = new Date(NOW - 90_000)
    expect(next("rate(1 minute)", "UTC", { start })).toBe("2026-11-22T14:04")
    expect(next("rate(1 minute)")).toBeUndefined()
    expect(next("at(2026-12-01T08:00:00)", "America/New_York")).toBe("2026-12-01T13:00")
    expect(next("at(2026-01-01T08:00:00)")).toBeUndefined()
    expect(next("cron(0 3 * * ? *)", "UTC", { end: new Date(NOW + 1) })).toBeUndefined()
  })

  it("is not told of what is not computed here", () => {
    for (const text of ["cron(0 3 L * ? *)", "cron(0 3 ? * 2#1 *)", "cron(0 3 * *)", "rate(x)", ""])
      expect(next(text)).toBeUndefined()
  })
})

it("is written by a form", () => {
  const form: ScheduleForm = {
    name: "nightly",
    pipeline: "cars",
    role: "arn",
    every: "day",
    amount: "1",
    time: "03:05",
    weekday: "MON",
    date: "2026-12-01",
    cron: "0  3 * * ? *",
    zone: "UTC",
    parameters: {},
  }
  expect(wrong(form)).toEqual({})
  expect(expression(form)).toBe("cron(5 3 * * ? *)")
  expect(expression({ ...form, every: "week" })).toBe("cron(5 3 ? * MON *)")
  expect(expression({ ...form, every: "hours" })).toBe("rate(1 hour)")
  expect(expression({ ...form, every: "once" })).toBe("at(2026-12-01T03:05:00)")
  expect(expression({ ...form, every: "cron" })).toBe("cron(0 3 * * ? *)")
  expect(Object.keys(wrong({ ...form, time: "25:00", name: "a b" })).sort()).toEqual(["name", "time"])
})

it("says what a target is", () => {
  expect(targetOf("arn:aws:sqs:us-east-1:1:orders")).toEqual({ kind: "Queue", name: "orders" })
  expect(targetOf("arn:aws:logs:us-east-1:1:log-group:/aws/events/x:*")).toEqual({
    kind: "Log group",
    name: "/aws/events/x",
  })
  expect(targetOf("arn:aws:sagemaker:us-east-1:1:pipeline/cars")).toEqual({ kind: "Pipeline", name: "cars" })
})
