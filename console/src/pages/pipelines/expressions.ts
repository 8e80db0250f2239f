/** Expressions of a definition as people read them: what they name, and what it was where that is known here. */
import type { Definition, Doc } from "./definition"
import type { Typed } from "./parameters"

export type Known = {
  parameters: Typed
  /** Documents by "step/property file". */
  files: ReadonlyMap<string, unknown>
}

export function knownOf(definition: Definition, parameters: Typed, files: Known["files"] = new Map()): Known {
  const defaults = definition.parameters.flatMap((one) =>
    one.default === undefined ? [] : [[one.name, String(one.default)] as const],
  )
  return { parameters: { ...Object.fromEntries(defaults), ...parameters }, files }
}

const isDoc = (value: unknown): value is Doc => typeof value === "object" && value !== null && !Array.isArray(value)

const SIGNS: Record<string, string> = {
  Equals: "=",
  GreaterThan: ">",
  GreaterThanOrEqualTo: "≥",
  LessThan: "<",
  LessThanOrEqualTo: "≤",
}

/** One line for each condition. */
export function conditionLines(conditions: unknown, known: Known): string[] {
  return Array.isArray(conditions) ? conditions.map((one) => conditionSaid(one, known)) : []
}

function conditionSaid(condition: unknown, known: Known): string {
  if (!isDoc(condition)) return "?"
  const kind = String(condition.Type)
  const sign = SIGNS[kind]
  if (sign) return `${said(condition.LeftValue, known)} ${sign} ${said(condition.RightValue, known)}`
  if (kind === "In") {
    const values = Array.isArray(condition.Values) ? condition.Values.map((one) => said(one, known)) : []
    return `${said(condition.QueryValue, known)} is one of ${values.join(", ")}`
  }
  // The SDK writes Expression; the language of AWS names it Condition.
  if (kind === "Not") return `not (${conditionSaid(condition.Condition ?? condition.Expression, known)})`
  if (kind === "Or")
    return conditionLines(condition.Conditions, known)
      .map((one) => `(${one})`)
      .join(" or ")
  return kind
}

/** "MaxError (6.0)", "regression_metrics.mse.value of result (4.61)", "train.ModelArtifacts", 5. */
export function said(value: unknown, known: Known): string {
  if (!isDoc(value)) return typeof value === "string" ? `"${value}"` : JSON.stringify(value)
  if (typeof value.Get === "string") {
    const parameter = /^Parameters\.(.+)$/.exec(value.Get)?.[1]
    if (parameter !== undefined) return withValue(parameter, known.parameters[parameter])
    return value.Get.replace(/^(Steps|Execution)\./, "")
  }
  const join = value["Std:Join"]
  if (isDoc(join)) {
    const on = typeof join.On === "string" ? join.On : ""
    return Array.isArray(join.Values) ? join.Values.map((one) => said(one, known)).join(` ${on} `.trim() || " + ") : ""
  }
  const json = value["Std:JsonGet"]
  if (isDoc(json)) {
    const path = String(json.Path)
    const file = isDoc(json.PropertyFile) && typeof json.PropertyFile.Get === "string" ? json.PropertyFile.Get : ""
    const [, step, name] = /^Steps\.([^.]+)\.PropertyFiles\.(.+)$/.exec(file) ?? []
    if (!step || !name) return path
    return withValue(`${path} of ${step}`, follow(known.files.get(`${step}/${name}`), path))
  }
  return JSON.stringify(value)
}

const withValue = (name: string, value: unknown): string =>
  value === undefined || typeof value === "object" ? name : `${name} (${String(value)})`

/** What stands at "a.b[0].c" or "a['b c']" in the document; undefined where it leads nowhere. */
export function follow(document: unknown, path: string): unknown {
  let here = document
  for (const [, plain, index, quoted] of path.matchAll(/([^.[\]]+)|\[(-?\d+)\]|\[['"]([^'"]*)['"]\]/g)) {
    if (Array.isArray(here)) here = here.at(Number(index ?? plain))
    else if (isDoc(here)) here = here[plain ?? quoted ?? index ?? ""]
    else return undefined
  }
  return here
}
