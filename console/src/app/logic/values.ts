/** From what a person typed, picked or put into a file to a value that the model may be asked with, or why not. */
import type { ChoiceField, Field, NumberField, Option } from "./fields"
import { type Json, plain } from "./json"

export type Value = Json | File
export type Values = Record<string, Value>
export type Understood = { value?: Json } | { problem: string }
/** Which of the two a word is taken for first, where it could be both. */
export type Reading = "titles" | "values"

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const SHOWN_OPTIONS = 8

/** `text` in the words of the form, of a link or of a file. Nothing said is no value, where none is required. */
export function understand(field: Field, text: string, reading: Reading = "titles"): Understood {
  const said = text.trim()
  if (said === "") {
    if (!field.required) return {}
    return { problem: field.kind === "choice" ? "Pick one." : "This is needed." }
  }
  switch (field.kind) {
    case "choice":
      return ofChoice(field, said, reading)
    case "number":
      return ofNumber(field, said)
    case "boolean":
      if (/^(true|yes|1)$/i.test(said)) return { value: true }
      if (/^(false|no|0)$/i.test(said)) return { value: false }
      return { problem: `“${said}” is neither yes nor no.` }
    case "file":
      return { problem: "A file cannot stand in a text." }
    case "text":
      if (text.length < field.minLength) return { problem: `At least ${field.minLength} letters are needed.` }
      if (field.maxLength !== undefined && text.length > field.maxLength) {
        return { problem: `${text.length} letters are too many: ${field.maxLength} is the most.` }
      }
      if (field.pattern !== undefined && !new RegExp(field.pattern, "u").test(text)) {
        return { problem: `“${said}” does not look as it should (${field.pattern}).` }
      }
      return { value: text }
  }
}

/** The option that a word means; undefined: none. */
export function optionOf(field: ChoiceField, said: string, reading: Reading) {
  const byTitle = () => {
    const word = said.toLowerCase()
    const named = (one: Option) =>
      one.title.toLowerCase() === word || one.words.some((other) => other.toLowerCase() === word)
    return field.options.find((one) => one.title === said) ?? field.options.find(named)
  }
  const byValue = () =>
    field.options.find((one) => plain(one.value) === said) ??
    field.options.find((one) => typeof one.value === "number" && NUMBER.test(said) && one.value === Number(said))
  return reading === "titles" ? (byTitle() ?? byValue()) : (byValue() ?? byTitle())
}

function ofChoice(field: ChoiceField, said: string, reading: Reading): Understood {
  const found = optionOf(field, said, reading)
  if (found) return { value: found.value }
  const titles = field.options.slice(0, SHOWN_OPTIONS).map((one) => one.title)
  const more = field.options.length > SHOWN_OPTIONS ? ` and ${field.options.length - SHOWN_OPTIONS} more` : ""
  return { problem: `“${said}” is none of ${titles.join(", ")}${more}.` }
}

function ofNumber(field: NumberField, said: string): Understood {
  if (!NUMBER.test(said)) {
    const comma = NUMBER.test(said.replace(",", ".")) ? " Write decimals with a point." : ""
    return { problem: `“${said}” is no number.${comma}` }
  }
  const value = Number(said)
  const problem = wrongNumber(field, value)
  return problem ? { problem } : { value }
}

/** Why the model is not asked with that number; "": it may be. */
export function wrongNumber(field: NumberField, value: number): string {
  const unit = field.unit ? ` ${field.unit}` : ""
  const { minimum, maximum, open, step } = field
  const below = minimum !== undefined && (value < minimum || (open.minimum && value === minimum))
  const above = maximum !== undefined && (value > maximum || (open.maximum && value === maximum))
  if (!Number.isFinite(value)) return "That number is too large."
  if (below || above) {
    if (minimum !== undefined && maximum !== undefined && !open.minimum && !open.maximum) {
      return `From ${minimum} to ${maximum}${unit}.`
    }
    return below
      ? `${open.minimum ? "More than" : "At least"} ${minimum}${unit}.`
      : `${open.maximum ? "Less than" : "At most"} ${maximum}${unit}.`
  }
  if (step !== undefined) {
    const steps = value / step
    if (Math.abs(steps - Math.round(steps)) > 1e-6) {
      return field.integer && step === 1 ? "Whole numbers only." : `In steps of ${step}${unit}.`
    }
  }
  return ""
}

/** The words that `understand` takes for that value: what a link carries and a form shows. */
export function written(field: Field, value: Value | undefined): string {
  if (value === undefined || value === null || (typeof File !== "undefined" && value instanceof File)) return ""
  if (field.kind === "choice") return field.options.find((one) => one.value === value)?.title ?? plain(value)
  return plain(value)
}
