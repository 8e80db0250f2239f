import { describe, expect, it } from "vitest"
import { KEYS, measured, noneMeasured, queries, spanOf, summed, together, valueAt } from "./metrics"
import { hourly, instances, minutes, summaries } from "./summary"

const at = (second: number) => new Date(second * 1_000)

describe("what is asked of CloudWatch", () => {
  it("names each query by the variant's number, whatever its name is", () => {
    const asked = queries("cars", ["All-Traffic", "b.2"], 10)
    expect(asked).toHaveLength(2 * KEYS.length)
    expect(asked.every((one) => /^[a-z]\w*$/.test(one.Id ?? ""))).toBe(true)
    expect(new Set(asked.map((one) => one.Id)).size).toBe(asked.length)
    const p99 = asked.find((one) => one.Id === "v1_p99")?.MetricStat
    expect(p99).toMatchObject({ Stat: "p99", Period: 10, Metric: { MetricName: "ModelLatency" } })
    expect(p99?.Metric?.Dimensions).toContainEqual({ Name: "VariantName", Value: "b.2" })
  })

  it("asks for what is told once a minute by the minute", () => {
    const asked = queries("cars", ["v"], 300)
    expect(asked.find((one) => one.Id === "v0_instances")?.MetricStat?.Period).toBe(60)
    expect(asked.find((one) => one.Id === "v0_requests")?.MetricStat?.Period).toBe(300)
  })

  it("knows its spans, and takes the first for a word that is none", () => {
    expect(spanOf("6h").seconds).toBe(21_600)
    expect(spanOf("nonsense").id).toBe("15m")
    expect(spanOf(null).id).toBe("15m")
  })
})

describe("what CloudWatch answers", () => {
  it("becomes lines in the order of time: counts a minute, latencies in milliseconds", () => {
    const found = measured(
      [
        { Id: "v0_requests", Timestamps: [at(20), at(10)], Values: [3, 2] },
        { Id: "v0_requests", Timestamps: [at(30)], Values: [4] },
        { Id: "v0_p99", Timestamps: [at(10)], Values: [2_500] },
        { Id: "v7_p99", Timestamps: [at(10)], Values: [1] },
        { Id: "other", Timestamps: [at(10)], Values: [1] },
      ],
      ["v"],
      10,
    ).get("v")
    expect(found?.requests).toEqual([
      { x: 10_000, y: 12 },
      { x: 20_000, y: 18 },
      { x: 30_000, y: 24 },
    ])
    expect(found?.p99).toEqual([{ x: 10_000, y: 2.5 }])
    expect(found?.server).toEqual([])
  })

  it("is added up where it may be, and else is that of the worst variant", () => {
    const [a, b] = [noneMeasured(), noneMeasured()]
    a.requests = [
      { x: 1, y: 5 },
      { x: 2, y: 6 },
    ]
    b.requests = [{ x: 2, y: 1 }]
    a.p99 = [{ x: 1, y: 40 }]
    b.p99 = [{ x: 1, y: 90 }]
    const whole = summed([a, b])
    expect(whole.requests).toEqual([
      { x: 1, y: 5 },
      { x: 2, y: 7 },
    ])
    expect(whole.p99).toEqual([{ x: 1, y: 90 }])
    expect(together([], Math.max)).toEqual([])
  })

  it("says at an instant what its period said, and nothing of long ago", () => {
    const line = [
      { x: 0, y: 1 },
      { x: 10, y: 2 },
    ]
    expect(valueAt(line, 9, 10)).toBe(1)
    expect(valueAt(line, 15, 10)).toBe(2)
    expect(valueAt(line, 25, 10)).toBeUndefined()
    expect(valueAt(line, -1, 10)).toBeUndefined()
  })
})

describe("a row of the list", () => {
  const endpoints = [
    { EndpointName: "a", ProductionVariants: [{ VariantName: "x" }, { VariantName: "y" }] },
    { EndpointName: "b" },
  ] as never[]

  it("asks for each variant of each endpoint", () => {
    const asked = hourly(endpoints)
    expect(asked).toHaveLength(10)
    expect(asked[0]?.Id).toBe("e0_0_requests")
  })

  it("sums its variants; a percentile is that of the slowest", () => {
    const found = summaries([
      { Id: "e0_0_requests", Timestamps: [at(0), at(60)], Values: [2, 3] },
      { Id: "e0_1_requests", Timestamps: [at(60)], Values: [1] },
      { Id: "e0_0_p50", Timestamps: [at(0)], Values: [1_000] },
      { Id: "e0_1_p50", Timestamps: [at(0)], Values: [4_000] },
      { Id: "e0_0_client", Timestamps: [at(0)], Values: [2] },
      { Id: "e0_1_server", Timestamps: [at(0)], Values: [1] },
    ]).get(0)
    expect(found).toMatchObject({ requests: 6, p50: 4, p99: undefined, errors: 3 })
    const line = minutes(found?.traffic ?? [], 120_000)
    expect(line).toHaveLength(60)
    expect(line.slice(-2)).toEqual([2, 4])
    expect(line[0]).toBeUndefined()
  })

  it("tells instances that are still to come", () => {
    const of = (...ProductionVariants: object[]) => instances({ ProductionVariants } as never)
    expect(of({ CurrentInstanceCount: 2, DesiredInstanceCount: 2 })).toBe("2 instances")
    expect(of({ CurrentInstanceCount: 1 })).toBe("1 instance")
    expect(of({ CurrentInstanceCount: 1, DesiredInstanceCount: 3 }, { CurrentInstanceCount: 1 })).toBe(
      "2 of 3 instances",
    )
    expect(of()).toBe("")
  })
})
