import { describe, expect, it } from "vitest"
import { freeId, type MetricPick, type Pick, pickOf, picksOf, queriesOf, read, titleOf, written } from "./picks"

const ORDERS: MetricPick = {
  id: "m1",
  namespace: "Shop",
  metric: "Orders",
  dimensions: [["Store", 'ber"lin, & co']],
  stat: "p99.9",
}

describe("picks in the address", () => {
  it("come back as they went, whatever the names", () => {
    const picks: Pick[] = [ORDERS, { id: "e1", expression: "m1 / 2 + SUM([m1])" }]
    const params = new URLSearchParams(picks.map((one) => ["m", written(one)]))
    expect(picksOf(new URLSearchParams(params.toString()))).toEqual(picks)
  })

  it("are passed over where somebody made them up", () => {
    for (const text of ["", "{}", "[]", '["m1"]', '["m1","n","x",null,"Sum"]', '["M 1","a+b"]', "[1,2]"])
      expect(read(text)).toBeUndefined()
  })
})

describe("a new pick", () => {
  it("gets the first free id, and counts are added up", () => {
    expect(freeId([ORDERS, { ...ORDERS, id: "m3" }], "m")).toBe("m2")
    expect(freeId([ORDERS], "e")).toBe("e1")
    expect(pickOf({ Namespace: "AWS/SageMaker", MetricName: "Invocations" }, []).stat).toBe("Sum")
    expect(pickOf({ Namespace: "AWS/SageMaker", MetricName: "ModelLatency" }, []).stat).toBe("Average")
  })

  it("is called by what sets it apart", () => {
    const other: MetricPick = { ...ORDERS, id: "m2", dimensions: [["Store", "lisbon"]] }
    expect(titleOf(other, [ORDERS, other])).toBe("Orders (p99.9) · lisbon")
    expect(titleOf({ id: "e1", expression: "m1" }, [])).toBe("m1")
  })
})

it("becomes queries of one period, math too", () => {
  expect(queriesOf([ORDERS, { id: "e1", expression: "m1*2" }], 300)).toEqual([
    {
      Id: "m1",
      MetricStat: {
        Metric: { Namespace: "Shop", MetricName: "Orders", Dimensions: [{ Name: "Store", Value: 'ber"lin, & co' }] },
        Period: 300,
        Stat: "p99.9",
      },
    },
    { Id: "e1", Expression: "m1*2", Period: 300 },
  ])
})
