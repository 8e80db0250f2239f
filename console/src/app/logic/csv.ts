/** CSV as RFC 4180 has it, and as people have it: quotes, line ends of all sorts, a byte order mark, semicolons, tabs. */

const MARKS = [",", ";", "\t"]

/** The mark that parts the cells: the one that the first line has most of, outside quotes. */
export function markOf(text: string): string {
  const counts = MARKS.map(() => 0)
  let quoted = false
  for (const letter of text.slice(0, 100_000)) {
    if (letter === '"') quoted = !quoted
    else if (!quoted && (letter === "\n" || letter === "\r")) break
    else if (!quoted && MARKS.includes(letter)) {
      const at = MARKS.indexOf(letter)
      counts[at] = (counts[at] ?? 0) + 1
    }
  }
  return MARKS[counts.indexOf(Math.max(...counts))] ?? ","
}

export type Row = { cells: string[]; line: number }

/** Row after row, with the number of the line that it begins on. Empty lines are passed over. */
export function* rowsOf(whole: string, mark = markOf(whole)): Generator<Row> {
  const text = whole.charCodeAt(0) === 0xfeff ? whole.slice(1) : whole
  let [cells, cell, at, line, began]: [string[], string, number, number, number] = [[], "", 0, 1, 1]
  while (at < text.length) {
    if (text[at] === '"' && cell === "") {
      // A quoted cell: a quote within it is written twice.
      for (at++; at < text.length; at++) {
        const next = text.indexOf('"', at)
        const piece = text.slice(at, next === -1 ? text.length : next)
        cell += piece
        line += breaks(piece)
        at = next === -1 ? text.length : next
        if (text[at + 1] !== '"') break
        cell += '"'
        at++
      }
      at++
    }
    let end = at
    while (end < text.length && text[end] !== mark && text[end] !== "\n" && text[end] !== "\r") end++
    cells.push(cell + text.slice(at, end))
    cell = ""
    at = end + 1
    if (text[end] === mark && end + 1 < text.length) continue
    if (text[end] === mark) cells.push("")
    if (text[end] === "\r" && text[end + 1] === "\n") at++
    if (cells.length > 1 || cells[0] !== "") yield { cells, line: began }
    cells = []
    line++
    began = line
  }
}

function breaks(piece: string): number {
  let found = 0
  for (let at = piece.indexOf("\n"); at !== -1; at = piece.indexOf("\n", at + 1)) found++
  return found
}

/** A cell as it is written: in quotes where it must be. */
export const cell = (value: string): string =>
  /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

export const line = (cells: readonly string[]): string => cells.map(cell).join(",")
