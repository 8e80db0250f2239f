import { describe, expect, it } from "vitest"
import { readDefinition } from "./definition"
import { conditionLines, follow, knownOf, said } from "./expressions"
import { madeBy } from "./made"

const definition = readDefinition(
  JSON.stringify({ Parameters: [{ Name: "MaxError", Type: "Float", DefaultValue: 6 }], Steps: [] }),
)
const known = knownOf(definition, {}, new Map([["judge/report", { mse: { value: 4.5 }, list: [1, 2] }]]))
const mse = { "Std:JsonGet": { PropertyFile: { Get: "Steps.judge.PropertyFiles.report" }, Path: "mse.value" } }

describe("expressions in words", () => {
  it("say what is compared, with the values that are known", () => {
    const limit = { Get: "Parameters.MaxError" }
    const lines = conditionLines(
      [
        { Type: "LessThanOrEqualTo", LeftValue: mse, RightValue: limit },
        { Type: "In", QueryValue: { Get: "Steps.a.X" }, Values: ["b", 3] },
        { Type: "Not", Condition: { Type: "Equals", LeftValue: limit, RightValue: 1 } },
        { Type: "Or", Conditions: [{ Type: "GreaterThan", LeftValue: 1, RightValue: 2 }] },
      ],
      known,
    )
    expect(lines).toEqual([
      "mse.value of judge (4.5) ≤ MaxError (6)",
      'a.X is one of "b", 3',
      "not (MaxError (6) = 1)",
      "(1 > 2)",
    ])
    expect(conditionLines(undefined, known)).toEqual([])
  })

  it("prefer the execution's values, and name what is not known", () => {
    expect(said({ Get: "Parameters.MaxError" }, knownOf(definition, { MaxError: "2.5" }))).toBe("MaxError (2.5)")
    expect(said(mse, knownOf(definition, {}))).toBe("mse.value of judge")
  })

  it("follow paths as the language does", () => {
    const document = { a: { b: [{ c: 1 }, { "d.e": 2 }] } }
    expect(follow(document, "a.b[0].c")).toBe(1)
    expect(follow(document, "a.b[-1]['d.e']")).toBe(2)
    expect(follow(document, "a.x.y")).toBeUndefined()
  })
})

describe("what a step has made", () => {
  const arn = (what: string) => `arn:aws:sagemaker:us-east-1:1:${what}`
  it.each([
    [{ TrainingJob: { Arn: arn("training-job/t") } }, "/jobs/training/t", "t/"],
    [{ TuningJob: { Arn: arn("hyper-parameter-tuning-job/u") } }, "/jobs/tuning/u", "u-"],
    [{ QualityCheck: { CheckJobArn: arn("processing-job/q") } }, "/jobs/processing/q", "q/"],
    [{ RegisterModel: { Arn: arn("model-package/g/3") } }, "/models/g/3", undefined],
    [{ Model: { Arn: arn("model/m") } }, "/models/single/m", undefined],
    [{ Endpoint: { Arn: arn("endpoint/e") } }, "/endpoints/e", undefined],
    [{ EndpointConfig: { Arn: arn("endpoint-config/c") } }, undefined, undefined],
  ])("%j", (metadata, to, prefix) => {
    const made = madeBy(metadata)
    expect([made?.to, made?.logs?.prefix]).toEqual([to, prefix])
  })

  it("is nothing for a condition", () => {
    expect(madeBy({ Condition: { Outcome: "True" } })).toBeUndefined()
    expect(madeBy(undefined)).toBeUndefined()
  })
})
