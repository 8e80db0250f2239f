/** A first chart for any result: which columns, and how they are drawn. The person may choose otherwise. */
import { isNumberType } from "./athena"

export type ChartKind = "line" | "bar" | "scatter"
export type ChartColumn = { Name?: string; Type?: string }
export type Cells = readonly (string | null)[]
export type Chosen = { kind: ChartKind; x: number; y: number }

const isTime = (type: string | undefined): boolean => /^(date|timestamp|time)/i.test(type ?? "")
const MOST_BARS = 40

/**
 * Time against a number is a line; a text or a boolean, bars; two numbers are bars when the first counts few things, a
 * line when it only rises, else points. undefined: there is no number to draw.
 */
export function guess(columns: readonly ChartColumn[], rows: readonly Cells[]): Chosen | undefined {
  const numbers = columns.flatMap((one, at) => (isNumberType(one.Type) ? [at] : []))
  const time = columns.findIndex((one) => isTime(one.Type))
  const text = columns.findIndex((one) => !isNumberType(one.Type) && !isTime(one.Type))
  const [first, second] = numbers
  if (first === undefined || rows.length === 0) return undefined
  if (time >= 0) return { kind: "line", x: time, y: first }
  if (text >= 0) return { kind: "bar", x: text, y: first }
  if (second === undefined) return { kind: "bar", x: first, y: first }
  const xs = rows.map((row) => Number(row[first]))
  if (rises(xs))
    return { kind: xs.length <= MOST_BARS && xs.every(Number.isInteger) ? "bar" : "line", x: first, y: second }
  return { kind: "scatter", x: first, y: second }
}

const rises = (values: readonly number[]): boolean =>
  values.every((value, at) => at === 0 || value > (values[at - 1] ?? Number.NEGATIVE_INFINITY))

export type Point<X> = { x: X; y: number }

/** What the y column has; null where it is no number. */
const numberOf = (cell: string | null | undefined): number | null => {
  if (cell === null || cell === undefined || cell.trim() === "") return null
  const value = Number(cell)
  return Number.isFinite(value) ? value : null
}

/** "2024-05-01 12:00:00.000" is UTC, as Athena prints it. */
export function instantOf(cell: string | null | undefined): Date | null {
  const text = (cell ?? "").replace(/ UTC$/, "").replace(" ", "T")
  const when = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) || /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(when.getTime()) ? null : when
}

/** Bars: in the order of the rows, a name once, the first many. */
export function barsOf(
  rows: readonly Cells[],
  { x, y }: Chosen,
  most = MOST_BARS,
): { points: Point<string>[]; left: number } {
  const found = new Map<string, number>()
  for (const row of rows) {
    const value = numberOf(row[y])
    if (value !== null) found.set(row[x] ?? "null", (found.get(row[x] ?? "null") ?? 0) + value)
  }
  const points = [...found].map(([name, value]) => ({ x: name, y: value }))
  return { points: points.slice(0, most), left: Math.max(0, points.length - most) }
}

/** Points along x, sorted; rows where either is missing are left out. */
export function pointsOf(rows: readonly Cells[], { x, y }: Chosen): Point<number>[] {
  return rows
    .flatMap((row) => {
      const [at, value] = [numberOf(row[x]), numberOf(row[y])]
      return at === null || value === null ? [] : [{ x: at, y: value }]
    })
    .sort((a, b) => a.x - b.x)
}

export function timesOf(rows: readonly Cells[], { x, y }: Chosen): Point<Date>[] {
  return rows
    .flatMap((row) => {
      const [at, value] = [instantOf(row[x]), numberOf(row[y])]
      return at === null || value === null ? [] : [{ x: at, y: value }]
    })
    .sort((a, b) => a.x.getTime() - b.x.getTime())
}

/** Round steps for an axis: 1, 2 or 5 times a power of ten. */
export function ticksOf(low: number, high: number, about = 5): number[] {
  if (high === low) {
    // A single value stands in the middle of its axis.
    const half = Math.abs(high) / 2 || 1
    return ticksOf(low - half, high + half, about)
  }
  const span = high - low
  const rough = span / about
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power
  const first = Math.floor(low / step)
  const last = Math.ceil(high / step)
  const digits = Math.max(0, -Math.floor(Math.log10(step)))
  return Array.from({ length: last - first + 1 }, (_, at) =>
    Number(((first + at) * step).toFixed(Math.min(20, digits))),
  )
}

export const columnIsTime = (column: ChartColumn | undefined): boolean => isTime(column?.Type)
