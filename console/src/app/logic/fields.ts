/** From the document's JSON Schema to the fields of a form, in the order of the model's columns. */
import type { Schema } from "./document"
import { type Json, plain } from "./json"

export type Option = {
  value: Json
  title: string
  /** Other words for it, that stand in people's files: the schema's `examples` of the choice. */
  words: string[]
}

type Common = {
  name: string
  title: string
  description: string
  required: boolean
  initial: Json | undefined
}
export type ChoiceField = Common & { kind: "choice"; options: Option[] }
export type NumberField = Common & {
  kind: "number"
  integer: boolean
  /** Bounds; `open`: the bound itself is outside. */
  minimum: number | undefined
  maximum: number | undefined
  open: { minimum: boolean; maximum: boolean }
  step: number | undefined
  unit: string
}
export type TextField = Common & {
  kind: "text"
  minLength: number
  maxLength: number | undefined
  pattern: string | undefined
}
export type BooleanField = Common & { kind: "boolean" }
export type FileField = Common & { kind: "file"; accepts: string }
export type Field = ChoiceField | NumberField | TextField | BooleanField | FileField

/** More choices than this, or longer words, are a list to open instead of buttons side by side. */
const MOST_SEGMENTS = 5
const MOST_LETTERS = 44

export function fieldsOf(input: Schema): Field[] {
  const required = new Set(input.required ?? [])
  return Object.entries(input.properties ?? {}).map(([name, property]) => fieldOf(name, property, required.has(name)))
}

function fieldOf(name: string, schema: Schema, required: boolean): Field {
  const common: Common = {
    name,
    title: schema.title || name,
    description: schema.description ?? "",
    required,
    initial: schema.default,
  }
  const options = optionsOf(schema)
  if (options.length) return { ...common, kind: "choice", options }
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  const type = types.find((one) => one !== "null")
  if (type === "number" || type === "integer") {
    return {
      ...common,
      kind: "number",
      integer: type === "integer",
      minimum: schema.minimum ?? schema.exclusiveMinimum,
      maximum: schema.maximum ?? schema.exclusiveMaximum,
      open: {
        minimum: schema.minimum === undefined && schema.exclusiveMinimum !== undefined,
        maximum: schema.maximum === undefined && schema.exclusiveMaximum !== undefined,
      },
      step: schema.multipleOf ?? (type === "integer" ? 1 : undefined),
      unit: schema.unit ?? "",
    }
  }
  if (type === "boolean") return { ...common, kind: "boolean" }
  if (schema.contentMediaType) return { ...common, kind: "file", accepts: schema.contentMediaType }
  const { minLength = 0, maxLength, pattern } = schema
  return { ...common, kind: "text", minLength, maxLength, pattern }
}

function optionsOf(schema: Schema): Option[] {
  const told = (schema.oneOf ?? schema.anyOf ?? []).filter((one) => one.const !== undefined)
  if (told.length) {
    return told.map((one) => ({
      value: one.const ?? null,
      title: one.title ?? plain(one.const),
      words: (one.examples ?? []).map(plain),
    }))
  }
  return (schema.enum ?? []).map((value) => ({ value, title: value === null ? "none" : plain(value), words: [] }))
}

/** Whether the choices stand side by side. */
export const asSegments = (field: ChoiceField): boolean =>
  field.options.length <= MOST_SEGMENTS &&
  field.options.reduce((letters, one) => letters + one.title.length, 0) <= MOST_LETTERS

/** How far a slider moves at once: the schema's step, else a round hundredth of the range. */
export function sliderStep(field: NumberField): number {
  if (field.step !== undefined) return field.step
  const range = (field.maximum ?? 1) - (field.minimum ?? 0)
  return range > 0 ? 10 ** Math.floor(Math.log10(range / 50)) : 1
}

/** The value as people see it: the title of a choice, "yes" for true. */
export function shown(field: Field, value: unknown): string {
  if (value === undefined || value === null) return "–"
  if (field.kind === "choice") return field.options.find((one) => one.value === value)?.title ?? plain(value)
  if (field.kind === "boolean") return value === true ? "yes" : "no"
  if (typeof File !== "undefined" && value instanceof File) return value.name
  if (field.kind === "number" && field.unit) return `${plain(value)} ${field.unit}`
  return plain(value)
}
