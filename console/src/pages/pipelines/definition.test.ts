import { describe, expect, it } from "vitest"
import { needsOf, readDefinition, readsOf, stepRead } from "./definition"

const written = (Steps: unknown[], Parameters: unknown[] = []) =>
  JSON.stringify({ Version: "2020-12-01", Parameters, Steps })
const step = (Name: string, Arguments: unknown = {}, more: object = {}) => ({
  Name,
  Type: "Processing",
  Arguments,
  ...more,
})
const uri = (of: string) => ({ S3Uri: { Get: `Steps.${of}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri` } })

describe("a definition as a graph", () => {
  it("has an edge for what a step reads and for what it only waits for", () => {
    const { edges } = readDefinition(
      written([step("a"), step("b"), step("c", { Inputs: [uri("a")] }, { DependsOn: ["b"] })]),
    )
    expect(edges.map(({ from, to, kind }) => [from, to, kind])).toEqual([
      ["b", "c", "order"],
      ["a", "c", "data"],
    ])
  })

  it("says reading where a step is read and named in DependsOn, and leaves out what is no step", () => {
    const { edges } = readDefinition(written([step("a"), step("b", uri("a"), { DependsOn: ["a", "gone", "b"] })]))
    expect(edges.map(({ from, to, kind }) => [from, to, kind])).toEqual([["a", "b", "data"]])
  })

  it("finds references in joins, property files and members beside the arguments", () => {
    const get = { "Std:JsonGet": { PropertyFile: { Get: "Steps.judge.PropertyFiles.report" }, Path: "mse" } }
    expect([...readsOf({ "Std:Join": { On: "/", Values: ["x", uri("a"), get] } })]).toEqual(["a", "judge"])
    const { steps } = readDefinition(
      written([step("a"), step("b", {}, { SuppliedBaselineStatistics: { Get: "Steps.a.X" } })]),
    )
    expect(steps[1]?.reads).toEqual(["a"])
  })

  it("reads a step's name up to the first dot or bracket, and nothing else", () => {
    expect(stepRead("Steps.prep-1.Outputs['a.b']")).toBe("prep-1")
    expect(stepRead("Steps.train['X']")).toBe("train")
    expect(stepRead("Parameters.Steps.x")).toBeUndefined()
    expect(stepRead("Execution.PipelineName")).toBeUndefined()
  })

  it("follows branches, nested ones too", () => {
    const inner = {
      Name: "inner",
      Type: "Condition",
      Arguments: { Conditions: [], IfSteps: [step("deep")], ElseSteps: [step("shallow")] },
    }
    const outer = {
      Name: "outer",
      Type: "Condition",
      Arguments: {
        Conditions: [{ Type: "Equals", LeftValue: 1, RightValue: 1 }],
        IfSteps: [inner],
        ElseSteps: [step("no")],
      },
    }
    const { steps, edges } = readDefinition(written([outer]))
    expect(steps.map((one) => [one.name, one.inside?.condition, one.inside?.branch])).toEqual([
      ["outer", undefined, undefined],
      ["inner", "outer", "if"],
      ["deep", "inner", "if"],
      ["shallow", "inner", "else"],
      ["no", "outer", "else"],
    ])
    expect(edges.map((one) => [one.from, one.to, one.branch])).toEqual([
      ["outer", "inner", "if"],
      ["inner", "deep", "if"],
      ["inner", "shallow", "else"],
      ["outer", "no", "else"],
    ])
    // What is shown of a condition is its own: not the steps of its branches.
    expect(steps[0]?.document).toEqual({
      Name: "outer",
      Type: "Condition",
      Arguments: { Conditions: [{ Type: "Equals", LeftValue: 1, RightValue: 1 }] },
    })
  })

  it("knows which edges a longer way implies", () => {
    const definition = readDefinition(
      written([step("a"), step("b", uri("a")), step("c", { Inputs: [uri("a"), uri("b")] }), step("d", uri("c"))]),
    )
    expect(definition.edges.filter((one) => one.implied).map((one) => one.id)).toEqual(["a > c"])
    expect(needsOf(definition, "c").map((one) => one.from)).toEqual(["a", "b"])
  })

  it("reads parameters; null is no default, false is one", () => {
    const { parameters } = readDefinition(
      written(
        [],
        [
          { Name: "A", Type: "Boolean", DefaultValue: false },
          { Name: "B", Type: "String", DefaultValue: null, EnumValues: ["x", "y"] },
        ],
      ),
    )
    expect(parameters).toEqual([
      { name: "A", type: "Boolean", default: false, choices: [] },
      { name: "B", type: "String", default: undefined, choices: ["x", "y"] },
    ])
  })

  it("is empty where nothing is written, and refuses what is no JSON", () => {
    expect(readDefinition("{}")).toEqual({ parameters: [], steps: [], edges: [] })
    expect(() => readDefinition("{")).toThrow(SyntaxError)
  })
})
