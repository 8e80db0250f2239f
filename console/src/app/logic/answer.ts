/** What a model said, in whatever of the usual forms, as one answer for people. */
import { rowsOf } from "./csv"
import type { Output } from "./document"
import { isObject, type Json, parsed, plain } from "./json"

export type Bar = { label: string; share: number }
export type Answer =
  | { kind: "class"; label: string; share: number | undefined; bars: Bar[] }
  | { kind: "number"; value: number }
  | { kind: "raw"; text: string }

/** Names under which model servers answer what a page looks for. */
const LABEL = ["predicted_label", "label", "class", "predicted_class", "prediction"]
const SHARES = ["probabilities", "probability", "scores", "class_probabilities"]
const NUMBERS = ["score", "value", "prediction", "predicted_value", "output"]
const LISTS = ["predictions", "outputs", "instances", "results"]

/** The answer to one row. What does not fit the document's output is shown as it came. */
export function read(text: string, contentType: string, output: Output): Answer {
  if (output.kind === "raw") return { kind: "raw", text: pretty(text) }
  return interpret(single(text, contentType), output) ?? { kind: "raw", text: pretty(text) }
}

/** The answers to `count` rows, in their order; null: the body does not tell which answer is whose. */
export function readAll(text: string, contentType: string, output: Output, count: number): Answer[] | null {
  if (count === 1) return [read(text, contentType, output)]
  const rows = split(text, contentType, count, output)
  if (rows === null) return null
  return rows.map((one) => (output.kind === "raw" ? null : interpret(one, output)) ?? { kind: "raw", text: plain(one) })
}

/** A body as JSON where it is JSON, else its cells as JSON values. */
function single(text: string, contentType: string): Json {
  const body = text.trim()
  const whole = parsed(body)
  if (whole !== undefined) return whole
  if (/json-?lines/i.test(contentType)) return parsed(body.split(/\r?\n/)[0] ?? "") ?? body
  // CSV: a label beside a list in quotes, then one line, several lines, with or without brackets.
  if (body.includes('"')) {
    const [first] = [...rowsOf(body, ",")]
    const cells = (first?.cells ?? []).map((cell) => parsed(cell) ?? cell)
    if (cells.some(Array.isArray)) return cells
  }
  const cells = body
    .split(/[\r\n,;]+/)
    .map((cell) => cell.replace(/^[\s[("']+|[\s\])"']+$/g, ""))
    .filter((cell) => cell !== "")
  const values = cells.map(cellOf)
  return values.length === 1 ? (values[0] ?? null) : values
}

const NUMERIC = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const cellOf = (cell: string): Json => (NUMERIC.test(cell) ? Number(cell) : cell)

/** One value a row, however the rows are parted. */
function split(text: string, contentType: string, count: number, output: Output): Json[] | null {
  const body = text.trim()
  const whole = parsed(body)
  if (whole !== undefined) {
    const rows = listOf(whole)
    if (rows?.length === count) return rows
    if (rows && isObject(whole)) return null
  }
  const lines = body.split(/\r?\n/).filter((one) => one.trim() !== "")
  if (lines.length === count) return lines.map((one) => single(one, contentType))
  const cells = single(body, contentType)
  if (lines.length !== 1 || !Array.isArray(cells) || cells.some((one) => typeof one === "object")) return null
  if (cells.length === count) return cells
  const width = output.kind === "classes" ? output.labels.length : 0
  if (width < 2 || cells.length !== count * width) return null
  return Array.from({ length: count }, (_, at) => cells.slice(at * width, (at + 1) * width))
}

function listOf(whole: Json): Json[] | null {
  if (Array.isArray(whole)) return whole
  if (!isObject(whole)) return null
  for (const name of LISTS) if (Array.isArray(whole[name])) return whole[name] as Json[]
  // {"predicted_label": [...], "probabilities": [[...], ...]}: columns become rows.
  const columns = Object.entries(whole).filter((one): one is [string, Json[]] => Array.isArray(one[1]))
  const length = columns[0]?.[1].length
  if (length === undefined || columns.some(([, column]) => column.length !== length)) return null
  return Array.from({ length }, (_, at) =>
    Object.fromEntries(columns.map(([name, column]) => [name, column[at] ?? null])),
  )
}

function interpret(value: Json, output: Output): Answer | null {
  if (output.kind === "number") return ofNumber(value)
  if (output.kind === "classes") return ofClasses(value, output.labels)
  return null
}

function ofNumber(value: Json): Answer | null {
  if (typeof value === "number") return { kind: "number", value }
  if (typeof value === "string" && NUMERIC.test(value)) return { kind: "number", value: Number(value) }
  if (Array.isArray(value)) return value.length === 1 && value[0] !== undefined ? ofNumber(value[0]) : null
  if (!isObject(value)) return null
  for (const name of [...NUMBERS, ...LISTS]) {
    const found = name in value ? ofNumber(value[name] as Json) : null
    if (found) return found
  }
  return null
}

function ofClasses(value: Json, labels: readonly string[]): Answer | null {
  if (typeof value === "number" || typeof value === "string") return ofScalar(value, labels)
  if (Array.isArray(value)) {
    const shares = sharesOf(value, labels)
    if (shares) return byShares(shares, labels)
    const within = value.map((one) => (Array.isArray(one) ? sharesOf(one, labels) : null)).find((one) => one !== null)
    const first = value.find((one) => !Array.isArray(one))
    const named = first === undefined ? null : ofClasses(first, labels)
    if (within && named?.kind === "class") return byShares(within, labels, named.label)
    return value.length === 1 && value[0] !== undefined ? ofClasses(value[0], labels) : null
  }
  if (!isObject(value)) return null
  const label = LABEL.map((name) => value[name]).find((one) => one !== undefined)
  const told = SHARES.map((name) => value[name]).find((one) => one !== undefined)
  const shares = sharesOf(told as Json, labels)
  const named = label === undefined ? null : ofClasses(label as Json, labels)
  if (shares) return byShares(shares, labels, named?.kind === "class" ? named.label : undefined)
  if (named) return named
  for (const name of [...LISTS, "score"]) {
    const found = name in value ? ofClasses(value[name] as Json, labels) : null
    if (found) return found
  }
  return sharesOf(value as Json, labels) ? byShares(sharesOf(value as Json, labels) ?? [], labels) : null
}

/** A label by its name or place; with two classes also the probability of the second. */
function ofScalar(value: number | string, labels: readonly string[]): Answer | null {
  const only = (label: string): Answer => ({ kind: "class", label, share: undefined, bars: [] })
  const text = String(value).trim()
  if (labels.includes(text)) return only(text)
  if (!NUMERIC.test(text)) return null
  const number = Number(text)
  const label = labels[number]
  if (label !== undefined) return only(label)
  if (labels.length === 2 && number > 0 && number < 1) return byShares([1 - number, number], labels)
  return null
}

/** One number in 0..1 a class, from a list, a nested list, or an object by labels. */
function sharesOf(value: Json | undefined, labels: readonly string[]): number[] | null {
  if (isObject(value)) {
    const found = labels.map((label) => value[label])
    return found.every((one) => typeof one === "number") ? sharesOf(found as number[], labels) : null
  }
  if (!Array.isArray(value)) return null
  if (value.length === 1 && Array.isArray(value[0])) return sharesOf(value[0], labels)
  if (value.length !== labels.length || labels.length < 2) return null
  const sane = value.every((one) => typeof one === "number" && one >= -1e-6 && one <= 1 + 1e-6)
  return sane ? (value as number[]) : null
}

function byShares(shares: readonly number[], labels: readonly string[], label?: string): Answer {
  const bars = labels.map((name, at) => ({ label: name, share: shares[at] ?? 0 })).sort((a, b) => b.share - a.share)
  const chosen = label ?? bars[0]?.label ?? ""
  return { kind: "class", label: chosen, share: bars.find((one) => one.label === chosen)?.share, bars }
}

/** JSON with line breaks; everything else as it is. */
export function pretty(text: string): string {
  const whole = /^\s*[[{]/.test(text) ? parsed(text) : undefined
  return whole === undefined ? text : JSON.stringify(whole, null, 2)
}

/** Whether the answer is what the example expected; undefined: that cannot be told. */
export function meets(answer: Answer, expected: Json, output: Output): boolean | undefined {
  if (answer.kind === "class") {
    const wanted = output.kind === "classes" ? ofScalar(expected as number | string, output.labels) : null
    return answer.label === (wanted?.kind === "class" ? wanted.label : plain(expected))
  }
  if (answer.kind === "raw") return answer.text.trim() === plain(expected)
  return undefined // of a number a person judges how near it is
}

/** The answer in one line, for lists and files. */
export const inShort = (answer: Answer): string =>
  answer.kind === "class" ? answer.label : answer.kind === "number" ? String(answer.value) : answer.text
