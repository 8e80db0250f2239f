/** Rows of data as they are: numbers to the right, NULL told apart from nothing. Plain HTML, as there may be thousands of cells. */
import type { ReactNode } from "react"

export type GridColumn = { name: string; type?: string; right?: boolean }

type Props = {
  columns: readonly GridColumn[]
  rows: readonly (readonly unknown[])[]
  label: string
  /** What the first row is counted as; without it rows are not counted. */
  from?: number
  tall?: boolean
}

const LONGEST = 300

/** A value of any file format as text. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "null"
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.toISOString()
  if (value instanceof Uint8Array) {
    const shown = [...value.subarray(0, 16)].map((one) => one.toString(16).padStart(2, "0")).join(" ")
    return value.length > 16 ? `${shown} … (${value.length} bytes)` : shown
  }
  if (typeof value === "object") {
    return JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? one.toString() : one))
  }
  return String(value)
}

export function Grid({ columns, rows, label, from, tall = false }: Props) {
  return (
    // A region that scrolls must be reachable by the keyboard.
    <section className={`clary-grid${tall ? " clary-grid-tall" : ""}`} aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {from !== undefined && (
              <th scope="col" className="clary-grid-number">
                <span className="clary-unseen">Row</span>
              </th>
            )}
            {columns.map((column, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: names of columns may repeat, their places do not
              <th key={at} scope="col" className={column.right ? "clary-grid-right" : undefined}>
                {column.name}
                {column.type && <span className="clary-grid-type">{column.type}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of data have no name but their place
            <tr key={at}>
              {from !== undefined && <td className="clary-grid-number">{(from + at).toLocaleString("en-US")}</td>}
              {columns.map((column, cell) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above
                <td key={cell} className={column.right ? "clary-grid-right" : undefined}>
                  {shown(row[cell])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function shown(value: unknown): ReactNode {
  if (value === null || value === undefined) return <span className="clary-grid-null">null</span>
  const text = textOf(value)
  return text.length > LONGEST ? <span title={text}>{`${text.slice(0, LONGEST)}…`}</span> : text
}
