/** What a person types for a pipeline's parameters, as the strings of the wire. */
import type { Parameter, Scalar } from "./definition"

export type Typed = Record<string, string>

/** As Std:Join and ListPipelineParametersForExecution write it. */
export const written = (value: Scalar | undefined): string => (value === undefined ? "" : String(value))

/** What the form begins with: what is given (by an earlier execution), else the default. */
export function filled(parameters: readonly Parameter[], given: Typed = {}): Typed {
  return Object.fromEntries(parameters.map((one) => [one.name, given[one.name] ?? written(one.default)]))
}

/** Why this is no value of the parameter; "" when it is one. */
export function problemOf(parameter: Parameter, typed: string): string {
  if (typed === "" && parameter.default === undefined) return "It has no default: a value is needed."
  if (typed === "" && parameter.type === "String") return ""
  if (typed.length > 1024) return "At most 1,024 characters."
  switch (parameter.type) {
    case "Integer":
      if (!/^\s*[+-]?\d{1,19}\s*$/.test(typed)) return "A whole number is needed."
      break
    case "Float":
      if (typed.trim() === "" || !Number.isFinite(Number(typed))) return "A number is needed."
      break
    case "Boolean":
      if (!["true", "false"].includes(typed.trim().toLowerCase())) return "true or false."
  }
  if (parameter.choices.length && !parameter.choices.some((one) => same(parameter, typed, written(one)))) {
    return `One of ${parameter.choices.map(written).join(", ")}.`
  }
  return ""
}

/** Whether both strings are the same value: "6" and "6.0" are the same Float. */
export function same(parameter: Pick<Parameter, "type">, a: string, b: string): boolean {
  if (a === b) return true
  if (parameter.type === "Boolean") return a.trim().toLowerCase() === b.trim().toLowerCase()
  if (parameter.type === "String" || !a.trim() || !b.trim()) return false
  return Number(a) === Number(b)
}

/** What must be sent: everything that differs from its default. */
export function asked(parameters: readonly Parameter[], typed: Typed): { Name: string; Value: string }[] {
  return parameters
    .filter((one) => one.default === undefined || !same(one, typed[one.name] ?? "", written(one.default)))
    .map((one) => ({
      Name: one.name,
      Value: one.type === "String" ? (typed[one.name] ?? "") : (typed[one.name] ?? "").trim(),
    }))
}

/** The parameters of an execution that are not as the definition has them by default. */
export function changed(parameters: readonly Parameter[], values: Typed): { name: string; value: string }[] {
  return asked(parameters, { ...filled(parameters), ...values })
    .filter((one) => values[one.Name] !== undefined)
    .map((one) => ({ name: one.Name, value: one.Value }))
}

/** Why this is no name for an execution; "" when it is one, or none is given. */
export function nameProblem(name: string): string {
  if (!name) return ""
  return /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}$/.test(name)
    ? ""
    : "Letters, digits and hyphens, at most 82; it begins and ends with a letter or digit."
}
