import { describe, expect, it } from "vitest"
import { changesOf, previous } from "../changes"
import { noneMeasured } from "../metrics"
import { APART, lanes, latency, TOGETHER } from "./lanes"
import { ofActivity, ofChange, ofHistory, within } from "./marks"
import { instantAt, niceAbove, path, timeTicks } from "./scale"

const audit = (name: string, second: number, parameters: object, more: object = {}) => ({
  EventId: `${name}-${second}`,
  EventName: name,
  EventTime: new Date(second * 1_000),
  CloudTrailEvent: JSON.stringify({
    requestParameters: parameters,
    userIdentity: { arn: "arn:aws:iam::1:user/ada" },
    ...more,
  }),
})

describe("the audit", () => {
  const events = [
    audit("CreateEndpoint", 10, { endpointName: "Shop", endpointConfigName: "one" }),
    audit("UpdateEndpoint", 30, { endpointName: "shop", endpointConfigName: "two" }),
    audit(
      "UpdateEndpoint",
      40,
      { endpointName: "shop", endpointConfigName: "bad" },
      { errorCode: "ValidationException" },
    ),
    audit("UpdateEndpoint", 20, { endpointName: "other", endpointConfigName: "three" }),
    audit("UpdateEndpointWeightsAndCapacities", 50, {
      endpointName: "shop",
      desiredWeightsAndCapacities: [{ variantName: "blue", desiredWeight: 2, desiredInstanceCount: 3 }],
    }),
    audit("DeleteEndpoint", 60, { endpointName: "shop" }),
  ]

  it("tells who changed this endpoint, the newest first, without what was refused", () => {
    const found = changesOf("shop", events)
    expect(found.map((one) => one.at)).toEqual([50_000, 30_000, 10_000])
    expect(found[0]).toMatchObject({ asked: "blue weight 2 3 instances", who: "ada" })
    expect(ofChange(found[1] as never).title).toBe("Updated to configuration two")
  })

  it("knows the configuration before", () => {
    const found = changesOf("shop", events)
    expect(previous(found, "two")?.config).toBe("one")
    expect(previous(found, "one")).toBeUndefined()
    // An update that was taken back: what is in force is the older one, and the way back from it is not the failed one.
    expect(previous([...changesOf("shop", events)], "unknown")?.config).toBe("two")
    expect(previous([], "two")).toBeUndefined()
  })
})

describe("marks", () => {
  it("say what scaling did, and mark what failed", () => {
    const activity = {
      ActivityId: "1",
      ResourceId: "endpoint/shop/variant/blue",
      Description: "Setting desired instance count to 2.",
      Cause: "minimum capacity was set to 2",
      StatusCode: "Successful",
      StartTime: new Date(1_000),
    } as never
    expect(ofActivity(activity)).toMatchObject({
      title: "blue: Setting desired instance count to 2",
      detail: "Successful · minimum capacity was set to 2",
      tone: "plain",
    })
    const failed = { ...(activity as object), StatusCode: "Failed", StatusMessage: "no" } as never
    expect(ofActivity(failed)).toMatchObject({ tone: "bad", detail: expect.stringContaining("no") })
  })

  it("say which state an alarm went to, and why", () => {
    const item = {
      AlarmName: "errors",
      Timestamp: new Date(5),
      HistorySummary: "Alarm updated from OK to ALARM",
      HistoryData: JSON.stringify({ newState: { stateValue: "ALARM", stateReason: "Threshold Crossed" } }),
    }
    expect(ofHistory(item)).toMatchObject({ title: "errors: in alarm", detail: "Threshold Crossed", tone: "bad" })
    expect(ofHistory({ ...item, HistoryData: "{" })).toMatchObject({ title: "errors: in alarm", tone: "bad" })
  })

  it("are those of the span, the newest first", () => {
    const mark = (at: number) => ({ at, id: String(at) }) as never
    expect(within([mark(1), mark(5), mark(9)], 2, 9).map((one) => one.at)).toEqual([9, 5])
  })
})

describe("the axis", () => {
  it("is labelled at whole steps of the clock", () => {
    const from = Date.UTC(2026, 0, 1, 12, 3, 20)
    const ticks = timeTicks(from, from + 900_000, 900)
    expect(ticks.every((one) => one % 120_000 === 0)).toBe(true)
    expect(ticks.length).toBeGreaterThan(4)
    expect(timeTicks(from, from + 86_400_000, 300).length).toBeLessThanOrEqual(4)
  })

  it("ends at a nice number", () => {
    expect([0, 0.3, 1, 1.1, 2.2, 24, 99, 101].map(niceAbove)).toEqual([1, 0.5, 1, 2, 2.5, 25, 100, 200])
  })

  it("finds the period below the pointer", () => {
    expect(instantAt(50, 0, 100, 0, 100_000, 10)).toBe(50_000)
    expect(instantAt(54.9, 0, 100, 0, 100_000, 10)).toBe(50_000)
    expect(instantAt(-20, 0, 100, 0, 100_000, 10)).toBe(0)
    expect(instantAt(900, 0, 100, 0, 100_000, 10)).toBe(100_000)
  })

  it("breaks a line where nothing was told", () => {
    const points = [0, 1, 9].map((x) => ({ x, y: x }))
    const same = (value: number) => value
    expect(path(points, same, same, 2)).toBe("M0.0 0.0h0L1.0 1.0M9.0 9.0h0")
    expect(path(points.slice(0, 2), same, same, 2, true)).toBe("M0.0 0.0h0H1.0V1.0")
  })
})

describe("lanes", () => {
  const found = new Map([
    ["blue", { ...noneMeasured(), requests: [{ x: 1, y: 2 }] }],
    ["green", { ...noneMeasured(), requests: [{ x: 1, y: 3 }] }],
  ])

  it("add all variants up, stand side by side, or show one", () => {
    const requests = (mode: string) =>
      lanes(found, mode)[0]?.lines.map((one) => [one.title, one.points.map(({ y }) => y)])
    expect(requests(TOGETHER)).toEqual([["Requests", [5]]])
    expect(requests(APART)).toEqual([
      ["blue", [2]],
      ["green", [3]],
    ])
    expect(requests("green")).toEqual([["Requests", [3]]])
    expect(lanes(found, TOGETHER)[1]?.title).toBe("Model latency (of the slowest variant)")
    expect(lanes(found, "green")[1]?.title).toBe("Model latency")
  })

  it("say latencies with three digits", () => {
    expect([0.04321, 8.4169, 134.4, 1_234].map(latency)).toEqual(["0.0432 ms", "8.42 ms", "134 ms", "1.23 s"])
  })
})
