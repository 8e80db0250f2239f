/** From the rows of a person's CSV to what the model is asked: columns by their names, words by their meaning. */
import type { Row } from "./csv"
import type { ChoiceField, Field } from "./fields"
import { plain } from "./json"
import { optionOf, type Reading, understand, type Values } from "./values"

export type Refused = { line: number; reason: string }
export type Mapped = {
  /** The names of the file's columns, also where it names none. */
  header: string[]
  hasHeader: boolean
  /** Columns of the file that the model is not asked with. */
  unused: string[]
  rows: { line: number; cells: string[]; values: Values }[]
  refused: Refused[]
  /** Every row that has cells, in the file's order. */
  all: Row[]
}

const key = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "")

/** Which column of the file each field is read from. `problem`: the file as a whole cannot be read. */
export function columnsOf(
  first: readonly string[],
  fields: readonly Field[],
): { at: number[]; hasHeader: boolean } | { problem: string } {
  const names = first.map(key)
  const at = fields.map((field) => {
    const byName = names.indexOf(key(field.name))
    return byName !== -1 ? byName : names.indexOf(key(field.title))
  })
  const found = at.filter((one) => one !== -1).length
  const readable =
    first.length === fields.length && fields.every((field, n) => !("problem" in understand(field, first[n] ?? "")))
  if (found > 0 && !(readable && found < fields.length)) {
    const missing = fields.filter((field, n) => at[n] === -1 && field.required).map((field) => field.title)
    if (missing.length) return { problem: `The file has no column for ${missing.join(", ")}.` }
    return { at, hasHeader: true }
  }
  if (first.length !== fields.length) {
    const wanted = fields.map((field) => field.title).join(", ")
    return {
      problem: `The first line names none of the inputs, and it has ${first.length} ${first.length === 1 ? "column" : "columns"} where ${fields.length} are needed: ${wanted}.`,
    }
  }
  return { at: fields.map((_, n) => n), hasHeader: false }
}

export function map(all: readonly Row[], fields: readonly Field[]): Mapped | { problem: string } {
  const first = all[0]
  if (!first) return { problem: "The file is empty." }
  const columns = columnsOf(first.cells, fields)
  if ("problem" in columns) return columns
  const { at, hasHeader } = columns
  const rows = hasHeader ? all.slice(1) : [...all]
  if (rows.length === 0) return { problem: "The file has a header and no rows." }
  const header = hasHeader ? first.cells.map((one) => one.trim()) : fields.map((field) => field.name)
  const reading = readings(rows, fields, at)
  const mapped: Mapped = {
    header,
    hasHeader,
    unused: header.filter((_, n) => !at.includes(n)),
    rows: [],
    refused: [],
    all: rows,
  }
  for (const row of rows) {
    const values: Values = {}
    const reasons: string[] = []
    for (const [n, field] of fields.entries()) {
      const column = at[n] ?? -1
      const said = understand(field, column === -1 ? "" : (row.cells[column] ?? ""), reading[n])
      if ("problem" in said) reasons.push(`${field.title}: ${said.problem}`)
      else if (said.value !== undefined) values[field.name] = said.value
    }
    if (row.cells.length > header.length) {
      reasons.unshift(`It has ${row.cells.length} cells where the file has ${header.length} columns.`)
    }
    if (reasons.length) mapped.refused.push({ line: row.line, reason: reasons.join(" ") })
    else mapped.rows.push({ line: row.line, cells: row.cells, values })
  }
  return mapped
}

/**
 * Whether a column's words are the titles that people see or the values that the model gets. It matters where a word is
 * the title of one choice and the value of another, as "2" doors with the code 0: cells that can only be one of the two
 * decide, first those of the column, then those of the whole file.
 */
function readings(rows: readonly Row[], fields: readonly Field[], at: readonly number[]): Reading[] {
  let file = 0
  const leans = fields.map((field, n) => {
    if (field.kind !== "choice") return 0
    let lean = 0
    for (const row of rows) lean += leanOf(field, (row.cells[at[n] ?? -1] ?? "").trim())
    file += Math.sign(lean)
    return lean
  })
  return leans.map((lean) => ((lean || file) < 0 ? "values" : "titles"))
}

/** 1: only a title; -1: only a value; 0: both, or none. */
function leanOf(field: ChoiceField, said: string): number {
  if (said === "") return 0
  const [title, value] = [optionOf(field, said, "titles"), optionOf(field, said, "values")]
  if (title === undefined || title !== value) return 0
  const isTitle = title.title.toLowerCase() === said.toLowerCase()
  const isValue = plain(title.value) === said || (typeof title.value === "number" && title.value === Number(said))
  return isTitle === isValue ? 0 : isTitle ? 1 : -1
}
