/** Which column of a person's CSV each input is read from. */
import type { Row } from "./csv"
import type { Field } from "./fields"
import { understand } from "./values"

export type Columns = {
  /** The column of each field; -1: the file has none. */
  at: number[]
  hasHeader: boolean
  /** The names of the file's columns, also where it names none. */
  header: string[]
}

/** So many rows of a file without a header tell where the inputs stand. */
const LOOKED_AT = 200

const key = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "")

/** `problem`: the file as a whole cannot be read. */
export function columnsOf(rows: readonly Row[], fields: readonly Field[]): Columns | { problem: string } {
  const first = rows[0]?.cells ?? []
  const names = first.map(key)
  const at = fields.map((field) => {
    const byName = names.indexOf(key(field.name))
    return byName !== -1 ? byName : names.indexOf(key(field.title))
  })
  const found = at.filter((one) => one !== -1).length
  if (found > 0 && !(found < fields.length && readable(first, fields, 0))) {
    const missing = fields.filter((field, n) => at[n] === -1 && field.required).map((field) => field.title)
    if (missing.length) return { problem: `The file has no column for ${missing.join(", ")}.` }
    return { at, hasHeader: true, header: first.map((one) => one.trim()) }
  }
  return unnamed(rows, fields)
}

/** Without names the inputs stand side by side in their order: alone, or before or after others, such as the truth. */
function unnamed(rows: readonly Row[], fields: readonly Field[]): Columns | { problem: string } {
  const wide = rows[0]?.cells.length ?? 0
  const more = wide - fields.length
  const wanted = fields.map((field) => field.title).join(", ")
  if (more < 0) {
    const has = `${wide} ${wide === 1 ? "column" : "columns"}`
    return {
      problem: `The first line names none of the inputs, and it has ${has} where ${fields.length} are needed: ${wanted}.`,
    }
  }
  const some = rows.slice(0, LOOKED_AT)
  const fit = more === 0 ? [0] : [0, more].filter((from) => some.every((row) => readable(row.cells, fields, from)))
  const [from] = fit
  if (from === undefined || fit.length > 1) {
    const why = from === undefined ? "do not fit" : "would fit in more than one place"
    return {
      problem: `The first line names none of the inputs, and the file's ${wide} columns ${why}: name ${wanted}.`,
    }
  }
  const header = Array.from({ length: wide }, (_, n) => fields[n - from]?.name ?? `column ${n + 1}`)
  return { at: fields.map((_, n) => from + n), hasHeader: false, header }
}

const readable = (cells: readonly string[], fields: readonly Field[], from: number): boolean =>
  cells.length >= fields.length + from &&
  fields.every((field, n) => !("problem" in understand(field, cells[from + n] ?? "")))
