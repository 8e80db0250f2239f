/** The document that a model's page is made from: what is asked, what is answered, and a few examples. */
import { isObject, type Json } from "./json"

export type Output =
  | { kind: "classes"; labels: string[] }
  | { kind: "number"; title?: string; unit?: string }
  | { kind: "raw" }

export type Example = { title: string; values: Record<string, Json>; expected?: Json }

/** `examples`: other words for the same, as they stand in files. */
export type Choice = { const?: Json; title?: string; examples?: Json[] }

export type Schema = {
  type?: string | string[]
  title?: string
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  enum?: Json[]
  oneOf?: Choice[]
  anyOf?: Choice[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  default?: Json
  unit?: string
  contentMediaType?: string
}

export type PageDocument = {
  title: string
  description: string
  contentType: string
  accept: string
  /** How rows stand in an application/json body: {"instances": [...]}, or the one object itself. */
  body: "object" | "instances"
  input: Schema
  output: Output
  examples: Example[]
}

export type Flaw = { path: string; message: string }

const TYPES = ["string", "number", "integer", "boolean"]

/** The document with what it leaves out filled in, and everything that is wrong with it. With a flaw it is null. */
export function readDocument(said: unknown): { document: PageDocument | null; flaws: Flaw[] } {
  const flaws: Flaw[] = []
  const wrong = (path: string, message: string) => void flaws.push({ path, message })
  if (!isObject(said)) return { document: null, flaws: [{ path: "", message: "The document is no JSON object." }] }

  const text = (name: string, otherwise: string): string => {
    const value = said[name]
    if (value === undefined || value === null) return otherwise
    if (typeof value === "string") return value
    wrong(name, "This is a text.")
    return otherwise
  }
  const document: PageDocument = {
    title: text("title", ""),
    description: text("description", ""),
    contentType: text("contentType", "text/csv"),
    accept: text("accept", ""),
    body: text("body", "object") === "instances" ? "instances" : "object",
    input: {},
    output: { kind: "raw" },
    examples: [],
  }
  if (said.body !== undefined && said.body !== "object" && said.body !== "instances") {
    wrong("body", 'This is "object" or "instances".')
  }
  checkInput(said.input, wrong)
  checkOutput(said.output, wrong)
  checkExamples(said.examples, said.input, wrong)
  if (flaws.length) return { document: null, flaws }
  document.input = said.input as Schema
  if (said.output !== undefined) document.output = said.output as Output
  document.examples = ((said.examples ?? []) as Example[]).map((one, at) => ({
    ...one,
    title: one.title ?? `Example ${at + 1}`,
  }))
  return { document, flaws }
}

type Wrong = (path: string, message: string) => void

function checkInput(input: unknown, wrong: Wrong): void {
  if (!isObject(input)) {
    wrong("input", "The form needs a JSON Schema object here.")
    return
  }
  if (input.type !== undefined && input.type !== "object") wrong("input.type", 'This is "object".')
  if (!isObject(input.properties) || Object.keys(input.properties).length === 0) {
    wrong("input.properties", "At least one property is needed: each is a field of the form.")
    return
  }
  for (const [name, property] of Object.entries(input.properties))
    checkProperty(`input.properties.${name}`, property, wrong)
  const required = input.required
  if (required === undefined) return
  if (!Array.isArray(required)) {
    wrong("input.required", "This is a list of names of properties.")
    return
  }
  for (const [at, name] of required.entries()) {
    if (typeof name !== "string" || !(name in input.properties)) {
      wrong(`input.required[${at}]`, `There is no property ${JSON.stringify(name)}.`)
    }
  }
}

function checkProperty(path: string, property: unknown, wrong: Wrong): void {
  if (!isObject(property)) {
    wrong(path, "This is a JSON Schema object.")
    return
  }
  const types = Array.isArray(property.type) ? property.type : property.type === undefined ? [] : [property.type]
  for (const type of types) {
    if (type !== "null" && !TYPES.includes(type as string)) {
      wrong(`${path}.type`, `The form knows ${TYPES.join(", ")}; not ${JSON.stringify(type)}.`)
    }
  }
  if (property.enum !== undefined && (!Array.isArray(property.enum) || property.enum.length === 0)) {
    wrong(`${path}.enum`, "This is a list with at least one value.")
  }
  const choices = property.oneOf ?? property.anyOf
  if (choices !== undefined) {
    const where = `${path}.${property.oneOf === undefined ? "anyOf" : "oneOf"}`
    if (!Array.isArray(choices) || choices.length === 0) wrong(where, "This is a list with at least one choice.")
    else {
      for (const [at, one] of choices.entries()) {
        if (!isObject(one) || one.const === undefined) wrong(`${where}[${at}]`, "A choice has a const, and a title.")
        else if (one.examples !== undefined && !Array.isArray(one.examples)) {
          wrong(`${where}[${at}].examples`, "This is a list of other words for the choice.")
        }
      }
    }
  }
  for (const name of ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] as const) {
    if (property[name] !== undefined && typeof property[name] !== "number") {
      wrong(`${path}.${name}`, "This is a number.")
    }
  }
  if (typeof property.minimum === "number" && typeof property.maximum === "number") {
    if (property.minimum > property.maximum) wrong(`${path}.minimum`, "The minimum is above the maximum.")
  }
  if (typeof property.multipleOf === "number" && property.multipleOf <= 0) {
    wrong(`${path}.multipleOf`, "This is above 0.")
  }
}

function checkOutput(output: unknown, wrong: Wrong): void {
  if (output === undefined) return
  if (!isObject(output)) {
    wrong("output", "This is an object with a kind.")
    return
  }
  if (output.kind === "classes") {
    const labels = output.labels
    if (!Array.isArray(labels) || labels.length === 0 || labels.some((one) => typeof one !== "string")) {
      wrong("output.labels", "This is a list of texts: the name of each class, in the model's order.")
    }
  } else if (output.kind !== "number" && output.kind !== "raw") {
    wrong("output.kind", 'This is "classes", "number" or "raw".')
  }
}

function checkExamples(examples: unknown, input: unknown, wrong: Wrong): void {
  if (examples === undefined) return
  if (!Array.isArray(examples)) {
    wrong("examples", "This is a list.")
    return
  }
  const known = isObject(input) && isObject(input.properties) ? input.properties : {}
  for (const [at, one] of examples.entries()) {
    if (!isObject(one) || !isObject(one.values)) {
      wrong(`examples[${at}].values`, "An example has values: an object by names of properties.")
      continue
    }
    for (const name of Object.keys(one.values)) {
      if (!(name in known)) wrong(`examples[${at}].values.${name}`, "The input has no such property.")
    }
  }
}
