import type { PipelineExecutionStep } from "@aws-sdk/client-sagemaker"
import { describe, expect, it } from "vitest"
import { readDefinition } from "./definition"
import { edgeState, progressOf, spanOf, statesOf, workOf } from "./state"
import { barOf, inTime } from "./timeline"

const definition = readDefinition(
  JSON.stringify({
    Steps: [
      { Name: "a", Type: "Processing", Arguments: {} },
      {
        Name: "ask",
        Type: "Condition",
        DependsOn: ["a"],
        Arguments: {
          IfSteps: [{ Name: "yes", Type: "Processing", Arguments: {} }],
          ElseSteps: [{ Name: "no", Type: "Fail", Arguments: {} }],
        },
      },
      { Name: "after-no", Type: "Processing", DependsOn: ["no"], Arguments: {} },
      { Name: "end", Type: "Processing", DependsOn: ["yes"], Arguments: {} },
    ],
  }),
)
const at = (second: number) => new Date(second * 1000)
const step = (StepName: string, StepStatus: string, from: number, to?: number, more = {}): PipelineExecutionStep => ({
  StepName,
  StepStatus: StepStatus as PipelineExecutionStep["StepStatus"],
  StartTime: at(from),
  ...(to === undefined ? {} : { EndTime: at(to) }),
  ...more,
})
const asked = step("ask", "Succeeded", 3, 4, { Metadata: { Condition: { Outcome: "True" } } })
const statuses = (listed: PipelineExecutionStep[], status: string, selected?: string[]) =>
  Object.fromEntries([...statesOf(definition, listed, { status, selected })].map(([name, one]) => [name, one.status]))

describe("the states of an execution's steps", () => {
  it("says what waits while it runs", () => {
    expect(statuses([step("a", "Executing", 1)], "Executing")).toEqual({
      a: "Executing",
      ask: "Waiting",
      yes: "Waiting",
      no: "Waiting",
      "after-no": "Waiting",
      end: "Waiting",
    })
  })

  it("passes over the branch that was not chosen, and what waits for it", () => {
    expect(statuses([step("a", "Succeeded", 1, 2), asked], "Executing")).toMatchObject({
      yes: "Waiting",
      no: "NotChosen",
      "after-no": "NotChosen",
      end: "Waiting",
    })
  })

  it("says what was never reached once it is over", () => {
    expect(statuses([step("a", "Failed", 1, 2)], "Failed")).toMatchObject({ a: "Failed", ask: "NotReached" })
  })

  it("says what was not selected", () => {
    expect(statuses([step("a", "Succeeded", 1, 2)], "Succeeded", ["a"])).toMatchObject({
      a: "Succeeded",
      ask: "NotSelected",
      end: "NotSelected",
    })
  })

  it("counts what is to run", () => {
    const states = statesOf(definition, [step("a", "Succeeded", 1, 2), asked], { status: "Executing" })
    expect(progressOf(states)).toEqual({ done: 2, of: 4 })
  })

  it("tells the ways that were gone", () => {
    const states = statesOf(definition, [step("a", "Succeeded", 1, 2), asked], { status: "Executing" })
    const told = Object.fromEntries(definition.edges.map((one) => [one.id, edgeState(one, states)]))
    expect(told).toEqual({
      "a > ask": "taken",
      "ask > yes": "taken",
      "ask > no": "passed over",
      "no > after-no": "passed over",
      "yes > end": "open",
    })
  })
})

describe("the time of an execution", () => {
  const reused = { SelectiveExecutionResult: { SourcePipelineExecutionArn: "x" } }

  it("ends with its last own step", () => {
    const listed = [step("a", "Succeeded", -90, 900, reused), step("ask", "Succeeded", 3, 4)]
    expect(spanOf(at(0), "Succeeded", listed)).toEqual({ from: at(0), to: at(4) })
    expect(spanOf(at(0), "Executing", listed)).toEqual({ from: at(0), to: undefined })
    expect(spanOf(at(0), "Stopped", [])).toEqual({ from: at(0), to: at(0) })
  })

  it("is worked by steps that ran here", () => {
    const states = statesOf(
      definition,
      [step("a", "Succeeded", 1, 2, reused), step("ask", "Executing", 3), step("yes", "Stopped", 3)],
      { status: "Executing" },
    )
    const work = (name: string) => {
      const state = states.get(name)
      return state && workOf(state)
    }
    expect(work("a")).toBeUndefined()
    expect(work("ask")).toEqual({ from: at(3), to: undefined })
    expect(work("yes")).toBeUndefined()
    expect(work("no")).toBeUndefined()
  })

  it("is drawn between the first and the last instant", () => {
    const states = statesOf(definition, [step("ask", "Executing", 5), step("a", "Succeeded", 0, 2)], {
      status: "Executing",
    })
    const bar = (name: string) => {
      const state = states.get(name)
      return state && barOf(state, 0, 10_000)
    }
    expect(bar("a")).toEqual({ left: 0, width: 20 })
    expect(bar("ask")).toEqual({ left: 50, width: 50 })
    expect(bar("no")).toBeUndefined()
    expect(inTime(definition, states).map((one) => one.step.name)).toEqual(["a", "ask", "yes", "no", "after-no", "end"])
  })
})
