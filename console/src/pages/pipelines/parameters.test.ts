import { describe, expect, it } from "vitest"
import type { Parameter } from "./definition"
import { asked, changed, filled, nameProblem, problemOf, same } from "./parameters"

const of = (
  type: Parameter["type"],
  fallback?: Parameter["default"],
  choices: Parameter["choices"] = [],
): Parameter => ({
  name: "P",
  type,
  default: fallback,
  choices,
})

describe("what is typed for a parameter", () => {
  it.each([
    [of("Integer", 1), "12", ""],
    [of("Integer", 1), " -3 ", ""],
    [of("Integer", 1), "1.5", "A whole number is needed."],
    [of("Integer", 1), "", "A whole number is needed."],
    [of("Float", 1), "1e-3", ""],
    [of("Float", 1), "Infinity", "A number is needed."],
    [of("Float", 1), " ", "A number is needed."],
    [of("Boolean", true), "False", ""],
    [of("Boolean", true), "yes", "true or false."],
    [of("String", "x"), "", ""],
    [of("String"), "", "It has no default: a value is needed."],
    [of("Integer"), "", "It has no default: a value is needed."],
    [of("String", "a", ["a", "b"]), "c", "One of a, b."],
    [of("Integer", 1, [1, 2]), "02", ""],
    [of("String"), "x".repeat(1025), "At most 1,024 characters."],
  ])("%j %j: %s", (parameter, typed, problem) => {
    expect(problemOf(parameter, typed)).toBe(problem)
  })

  it("is the same value in another writing", () => {
    expect(same({ type: "Float" }, "6", "6.0")).toBe(true)
    expect(same({ type: "String" }, "6", "6.0")).toBe(false)
    expect(same({ type: "Boolean" }, "True", "true")).toBe(true)
    expect(same({ type: "Float" }, "", "0")).toBe(false)
  })

  it("begins with what is given, else the default, and sends what differs", () => {
    const parameters: Parameter[] = [
      { name: "Rate", type: "Float", default: 6, choices: [] },
      { name: "Input", type: "String", default: undefined, choices: [] },
      { name: "Mode", type: "String", default: "fast", choices: [] },
    ]
    const values = filled(parameters, { Rate: "6.0", Input: "s3://a/b" })
    expect(values).toEqual({ Rate: "6.0", Input: "s3://a/b", Mode: "fast" })
    expect(asked(parameters, { ...values, Mode: "" })).toEqual([
      { Name: "Input", Value: "s3://a/b" },
      { Name: "Mode", Value: "" },
    ])
    expect(changed(parameters, { Rate: " 7 ", Input: "x", Mode: "fast" })).toEqual([
      { name: "Rate", value: "7" },
      { name: "Input", value: "x" },
    ])
  })

  it("knows the names that executions may have", () => {
    expect(nameProblem("")).toBe("")
    expect(nameProblem("try-2--b")).toBe("")
    expect(nameProblem("-a")).not.toBe("")
    expect(nameProblem("a b")).not.toBe("")
    expect(nameProblem("a".repeat(83))).not.toBe("")
  })
})
