import { describe, expect, it } from "vitest"
import { signed } from "./compared"
import { metricRows, parameterRows, type Side, stepRows } from "./comparison"
import { readDefinition } from "./definition"
import { numbersIn } from "./metrics"
import { statesOf } from "./state"

const at = (ms: number) => new Date(ms)
const step = (Name: string) => ({ Name, Type: "Processing", Arguments: {} })
const side = (names: string[], took: number, more: Partial<Side> = {}, listed = {}): Side => {
  const definition = readDefinition(
    JSON.stringify({ Parameters: [{ Name: "Rate", Type: "Float", DefaultValue: 1 }], Steps: names.map(step) }),
  )
  const steps = names.map((StepName) => ({
    StepName,
    StepStatus: "Succeeded" as const,
    StartTime: at(0),
    EndTime: at(took),
    ...listed,
  }))
  return {
    definition,
    parameters: {},
    states: statesOf(definition, steps, { status: "Succeeded" }),
    metrics: new Map(),
    ...more,
  }
}

describe("two executions side by side", () => {
  it("marks parameters that differ in value, not in writing", () => {
    const a = side([], 0, { parameters: { Rate: "1.0", Mode: "fast", Old: "x" } })
    const b = side([], 0, { parameters: { Rate: "1", Mode: "slow", New: "y" } })
    expect(parameterRows(a, b)).toEqual([
      { name: "Rate", a: "1.0", b: "1", fallback: "1", differs: false },
      { name: "Mode", a: "fast", b: "slow", fallback: "", differs: true },
      { name: "Old", a: "x", b: undefined, fallback: "", differs: true },
      { name: "New", a: undefined, b: "y", fallback: "", differs: true },
    ])
  })

  it("compares durations of what ran in both, and no other", () => {
    expect(stepRows(side(["one"], 1_000), side(["one", "two"], 3_500))).toMatchObject([
      { name: "one", tookA: 1_000, tookB: 3_500, difference: 2_500, differs: false },
      { name: "two", a: undefined, tookB: 3_500, difference: undefined, differs: true },
    ])
    const hit = side(["one"], 5, {}, { CacheHitResult: { SourcePipelineExecutionArn: "x" } })
    expect(stepRows(side(["one"], 1_000), hit)[0]).toMatchObject({ tookB: undefined, difference: undefined })
  })

  it("sets metrics beside each other by step and name", () => {
    const a = side([], 0, { metrics: new Map([["judge", [{ name: "mse", value: 5 }]]]) })
    const b = side([], 0, {
      metrics: new Map([
        [
          "judge",
          [
            { name: "mse", value: 4 },
            { name: "mae", value: 1 },
          ],
        ],
      ]),
    })
    expect(metricRows(a, b)).toEqual([
      { step: "judge", name: "mse", a: 5, b: 4, difference: -1 },
      { step: "judge", name: "mae", a: undefined, b: 1, difference: undefined },
    ])
  })

  it("writes differences with their sign", () => {
    const plain = (value: number) => String(value)
    expect([2, -2, 0, undefined].map((one) => signed(one, plain))).toEqual(["+2", "−2", "0", "–"])
  })
})

describe("numbers of a document", () => {
  it("are named by the way to them", () => {
    const document = { regression_metrics: { mse: { value: 4.5, standard_deviation: 2 } }, rows: [1, "x"], ok: true }
    expect(numbersIn(document)).toEqual([
      { name: "regression_metrics.mse", value: 4.5 },
      { name: "regression_metrics.mse.standard_deviation", value: 2 },
      { name: "rows.0", value: 1 },
    ])
    expect(numbersIn(7)).toEqual([{ name: "value", value: 7 }])
    expect(numbersIn({ value: 7 })).toEqual([{ name: "value", value: 7 }])
    expect(numbersIn(null)).toEqual([])
  })
})
