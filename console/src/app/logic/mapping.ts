/** From the rows of a person's CSV to what the model is asked: columns by their names, words by their meaning. */
import { columnsOf } from "./columns"
import type { Row } from "./csv"
import type { ChoiceField, Field } from "./fields"
import { plain } from "./json"
import { optionOf, type Reading, type Understood, understand, type Values } from "./values"

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

export function map(all: readonly Row[], fields: readonly Field[]): Mapped | { problem: string } {
  const first = all[0]
  if (!first) return { problem: "The file is empty." }
  const columns = columnsOf(all, fields)
  if ("problem" in columns) return columns
  const { at, hasHeader, header } = columns
  const rows = hasHeader ? all.slice(1) : [...all]
  if (rows.length === 0) return { problem: "The file has a header and no rows." }
  const reading = readings(rows, fields, at)
  const mapped: Mapped = {
    header,
    hasHeader,
    unused: header.filter((_, n) => !at.includes(n)),
    rows: [],
    refused: [],
    all: rows,
  }
  const known = fields.map(() => new Map<string, Understood>())
  const meaning = (n: number, field: Field, text: string): Understood => {
    // The words of a column come again and again: each is looked up once.
    const before = known[n]?.get(text)
    if (before) return before
    const found = understand(field, text, reading[n])
    if (field.kind === "choice") known[n]?.set(text, found)
    return found
  }
  for (const row of rows) {
    const values: Values = {}
    const reasons: string[] = []
    for (const [n, field] of fields.entries()) {
      const column = at[n] ?? -1
      const said = meaning(n, field, column === -1 ? "" : (row.cells[column] ?? ""))
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
    const counts = new Map<string, number>()
    for (const row of rows) {
      const said = (row.cells[at[n] ?? -1] ?? "").trim()
      counts.set(said, (counts.get(said) ?? 0) + 1)
    }
    let lean = 0
    for (const [said, times] of counts) lean += times * leanOf(field, said)
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
  const isTitle = [title.title, ...title.words].some((one) => one.toLowerCase() === said.toLowerCase())
  const isValue = plain(title.value) === said || (typeof title.value === "number" && title.value === Number(said))
  return isTitle === isValue ? 0 : isTitle ? 1 : -1
}
