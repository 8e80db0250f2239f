/** Separated values: what the columns are, and whether the first row names them. */
import Papa from "papaparse"

export type CellType = "integer" | "number" | "boolean" | "date" | "timestamp" | "text" | "empty"
export type Sheet = { header: string[] | null; types: CellType[]; rows: string[][]; problem?: string }

const INTEGER = /^[+-]?\d+$/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const SPECIAL = /^([+-]?inf(inity)?|nan)$/i
const BOOLEAN = /^(true|false)$/i
const DATE = /^\d{4}-\d{2}-\d{2}$/
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/
/** What programs write for a value that is not there. */
const NOTHING = /^(|null|na|n\/a|none|\\n)$/i

/** The type of one cell by itself. A number with leading zeros is an identifier, so it is text. */
export function typeOf(cell: string): CellType {
  const text = cell.trim()
  if (NOTHING.test(text)) return "empty"
  if (/^[+-]?0\d/.test(text)) return "text"
  if (INTEGER.test(text)) return "integer"
  if (NUMBER.test(text) || SPECIAL.test(text)) return "number"
  if (BOOLEAN.test(text)) return "boolean"
  if (DATE.test(text)) return "date"
  return TIMESTAMP.test(text) ? "timestamp" : "text"
}

/** The narrowest type that holds both. */
export function widened(one: CellType, other: CellType): CellType {
  if (one === other || other === "empty") return one
  if (one === "empty") return other
  const both = [one, other].sort().join(" ")
  if (both === "integer number") return "number"
  return both === "date timestamp" ? "timestamp" : "text"
}

export function columnTypes(rows: readonly (readonly string[])[], width: number): CellType[] {
  return Array.from({ length: width }, (_, at) =>
    rows.reduce<CellType>((type, row) => widened(type, typeOf(row[at] ?? "")), "empty"),
  )
}

/**
 * Whether the first row names the columns: all its cells are different texts, and some column below is of another type;
 * where all is text, a name must not occur again in its own column (data of categories repeat themselves).
 */
export function hasHeader(rows: readonly (readonly string[])[]): boolean {
  const [first, ...rest] = rows
  if (!first || rest.length === 0) return false
  if (first.some((cell) => typeOf(cell) !== "text") || new Set(first).size !== first.length) return false
  const below = columnTypes(rest, first.length)
  if (below.some((type) => type !== "text" && type !== "empty")) return true
  return rest.length >= 5 && first.every((name, at) => rest.every((row) => row[at] !== name))
}

export const isNumeric = (type: CellType): boolean => type === "integer" || type === "number"

/** The first rows of a text. `cut`: the text goes on, so its last row may be no whole one. `header`: null guesses. */
export function sheetOf(text: string, delimiter: string, most: number, cut: boolean, header: boolean | null): Sheet {
  const parsed = Papa.parse<string[]>(text, { delimiter, preview: most + 2, skipEmptyLines: "greedy" })
  const whole = cut && parsed.data.length < most + 2 ? parsed.data.slice(0, -1) : parsed.data
  const all = whole.length ? whole : parsed.data
  const named = header ?? hasHeader(all)
  const rows = all.slice(named ? 1 : 0, most + (named ? 1 : 0))
  const width = Math.max(0, ...all.map((row) => row.length))
  const uneven = all.findIndex((row) => row.length !== all[0]?.length)
  return {
    header: named ? (all[0] ?? []) : null,
    types: columnTypes(rows, width),
    rows,
    ...(uneven > 0
      ? { problem: `Row ${uneven + 1} has ${all[uneven]?.length} values, the first row ${all[0]?.length}.` }
      : {}),
  }
}
