import { describe, expect, it } from "vitest"
import { drawn, goodness } from "./parallel"
import { axes, objectiveAxis, position, round, ticks } from "./scales"
import { points, type Trial, trialOf } from "./trials"

const trial = (name: string, second: number, objective?: number): Trial => ({
  name,
  status: "Completed",
  params: {},
  started: new Date(second * 1_000),
  ...(objective === undefined ? {} : { objective }),
})

describe("points", () => {
  const trials = [trial("c", 3, 0.2), trial("a", 1, 0.5), trial("b", 2), trial("d", 4, 0.3)]

  it("stand in the order of start; one that told nothing leaves its place empty", () => {
    expect(points(trials, "Minimize").map((one) => [one.trial.name, one.n, one.best, one.isBest])).toEqual([
      ["a", 1, 0.5, true],
      ["c", 3, 0.2, true],
      ["d", 4, 0.2, false],
    ])
  })

  it("know which way is better", () => {
    expect(points(trials, "Maximize").map((one) => one.best)).toEqual([0.5, 0.5, 0.5])
  })

  it("are made of what the wire tells, and a value that is none is none", () => {
    const summary = {
      TrainingJobName: "a",
      TrainingJobArn: "",
      CreationTime: new Date(0),
      TrainingJobStatus: "Failed" as const,
      TunedHyperParameters: { eta: "0.1" },
      FinalHyperParameterTuningJobObjectiveMetric: { MetricName: "m", Value: Number.NaN },
    }
    expect(trialOf(summary).objective).toBeUndefined()
    expect(trialOf(summary).params).toEqual({ eta: "0.1" })
  })
})

describe("axes", () => {
  const found = axes([
    {
      ContinuousParameterRanges: [
        { Name: "eta", MinValue: "0.001", MaxValue: "1" },
        { Name: "decay", MinValue: "0.9", MaxValue: "0.999", ScalingType: "ReverseLogarithmic" },
        { Name: "alpha", MinValue: "0", MaxValue: "100000", ScalingType: "Auto" },
      ],
      IntegerParameterRanges: [{ Name: "depth", MinValue: "1", MaxValue: "9", ScalingType: "Linear" }],
      CategoricalParameterRanges: [{ Name: "booster", Values: ["gbtree", "dart"] }],
    },
    { IntegerParameterRanges: [{ Name: "depth", MinValue: "3", MaxValue: "12", ScalingType: "Linear" }] },
    undefined,
  ])
  const axis = (name: string) => {
    const one = found.find((each) => each.name === name)
    if (!one) throw new Error(name)
    return one
  }

  it("go by magnitude where the search does", () => {
    expect(found.map((one) => [one.name, one.kind])).toEqual([
      ["eta", "log"],
      ["decay", "reverse-log"],
      ["alpha", "linear"], // no logarithm of 0
      ["depth", "linear"],
      ["booster", "category"],
    ])
  })

  it("of one name in several definitions are one that holds both", () => {
    expect([axis("depth").low, axis("depth").high]).toEqual([1, 12])
  })

  it("place values from the bottom to the top", () => {
    expect(position(axis("eta"), "0.001")).toBe(0)
    expect(position(axis("eta"), "0.1")).toBeCloseTo(2 / 3)
    expect(position(axis("decay"), "0.99")).toBeCloseTo(0.5)
    expect(position(axis("booster"), "dart")).toBe(1)
    expect(position(axis("booster"), "other")).toBeUndefined()
    expect(position(axis("eta"), undefined)).toBeUndefined()
    expect(position(axis("depth"), 99)).toBe(1)
  })

  it("have ticks at powers of ten, choices or round numbers", () => {
    expect(ticks(axis("eta")).map((one) => one.text)).toEqual(["0.001", "0.01", "0.1", "1"])
    expect(ticks(axis("booster")).map((one) => one.text)).toEqual(["gbtree", "dart"])
    expect(ticks(axis("depth")).map((one) => one.text)).toEqual(["5", "10"])
  })

  it("of one value stand around it", () => {
    expect(position(objectiveAxis("rmse", [2]), 2)).toBeCloseTo(0.5)
    expect(position(objectiveAxis("rmse", [0, 0]), 0)).toBeCloseTo(0.5)
  })
})

it("round numbers", () => {
  expect(round(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(round(0.05, 1.4)).toEqual([0.5, 1])
  expect(round(3, 3)).toEqual([3])
})

it("good is what the objective asks for", () => {
  expect(goodness(1, [1, 2, 3], "Minimize")).toBe(1)
  expect(goodness(1, [1, 2, 3], "Maximize")).toBe(0)
  expect(goodness(5, [5], "Minimize")).toBe(1)
})

it("a line passes over an axis on which it has no place", () => {
  const [x, y] = [(at: number) => at * 10, (share: number) => share]
  expect(drawn([0, 1, undefined, 0.5], x, y)).toEqual({
    path: "M0.0 0.0L10.0 1.0M30.0 0.5",
    bridge: "M10.0 1.0L30.0 0.5",
  })
  expect(drawn([undefined, 1], x, y)).toEqual({ path: "M10.0 1.0", bridge: "" })
})
