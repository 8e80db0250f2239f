/** Text of SQL: names, places in it, and what a query is called. */

const WORDS = new Set(
  "all and as between by case cast create cross current_date date delete describe distinct drop else end escape except exists extract false for from full group having in inner insert intersect into is join left like natural not null on or order outer right select table then true union unnest using values when where with".split(
    " ",
  ),
)

/** A name as the language wants it: quoted unless it is a plain word. */
export const quotedName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) && !WORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`

export const tableName = (database: string, table: string): string => `${quotedName(database)}.${quotedName(table)}`

/** The page that has this statement in its box. */
export function queryPage(sql: string, database?: string): string {
  return `/data/sql?${new URLSearchParams({ sql, ...(database ? { database } : {}) }).toString()}`
}

export type Place = { line: number; column: number; at: number }

/** Where a message points to ("line 2:15: ..."), as an offset in the statement; undefined where it points nowhere. */
export function placeIn(message: string, sql: string): Place | undefined {
  const found = /\bline (\d+):(\d+)/.exec(message)
  if (!found) return undefined
  const [line, column] = [Number(found[1]), Number(found[2])]
  const lines = sql.split("\n")
  const text = lines[line - 1]
  if (text === undefined || column < 1 || column > text.length + 1) return undefined
  return { line, column, at: lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1 }
}

/** The line with a mark below the place; long lines are cut around it. */
export function pointed(sql: string, { line, column }: Place, width = 80): string {
  const text = sql.split("\n")[line - 1] ?? ""
  const from = Math.max(0, Math.min(column - 1 - width / 2, text.length - width))
  return `${text.slice(from, from + width)}\n${" ".repeat(column - 1 - from)}^`
}

/** A text with something put where the cursor is, parted by spaces from words beside it. */
export function inserted(text: string, from: number, to: number, what: string): { text: string; cursor: number } {
  const [before, after] = [text.slice(0, from), text.slice(to)]
  const left = /[\w"]$/.test(before) ? " " : ""
  const right = /^[\w"]/.test(after) ? " " : ""
  return { text: `${before}${left}${what}${right}${after}`, cursor: from + left.length + what.length }
}
