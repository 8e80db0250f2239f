/** The values of all lines, by time, the newest first: what a graph shows, to be read and taken away. */
import Button from "@cloudscape-design/components/button"
import { Empty } from "@/parts/empty"
import { instant, number } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { save } from "@/parts/save"
import { nameOfLine } from "./graph"
import type { Pick } from "./picks"
import type { Line } from "./reads"

type Row = { at: number; values: Map<string, number> }

/** One row for each instant at which any line has a value. */
export function rowsOf(lines: readonly Line[]): Row[] {
  const rows = new Map<number, Map<string, number>>()
  for (const line of lines)
    for (const { x, y } of line.values) {
      const row = rows.get(x.getTime()) ?? new Map<string, number>()
      rows.set(x.getTime(), row.set(line.key, y))
    }
  return [...rows].sort(([a], [b]) => b - a).map(([at, values]) => ({ at, values }))
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

type Props = { lines: readonly Line[]; picks: readonly Pick[]; units: ReadonlyMap<string, string> | undefined }

export function Values({ lines, picks, units }: Props) {
  const rows = rowsOf(lines)
  const title = (line: Line) => {
    const unit = units?.get(line.id)
    return `${nameOfLine(line, lines, picks)}${unit ? `, ${unit}` : ""}`
  }
  const columns: Column<Row>[] = [
    {
      id: "at",
      header: "Time",
      cell: (row) => <span className="clary-numbers clary-nowrap">{instant(new Date(row.at))}</span>,
      text: (row) => row.at,
      isRowHeader: true,
    },
    ...lines.map(
      (line): Column<Row> => ({
        id: line.key,
        header: title(line),
        cell: (row) => <span className="clary-numbers">{number(row.values.get(line.key))}</span>,
        text: (row) => row.values.get(line.key),
      }),
    ),
  ]
  const download = () => {
    const head = ["time", ...lines.map(title)].map(quoted).join(",")
    const body = rows.map((row) =>
      [new Date(row.at).toISOString(), ...lines.map((line) => row.values.get(line.key) ?? "")].join(","),
    )
    save([head, ...body, ""].join("\n"), "metrics.csv", "text/csv")
  }
  return (
    <ResourceTable<Row>
      title="Values"
      headingLevel="h3"
      variant="borderless"
      rows={rows}
      columns={columns}
      id={(row) => String(row.at)}
      noFilter
      sorted={{ id: "at", descending: true }}
      actions={
        <Button iconName="download" disabled={!rows.length} onClick={download}>
          Download CSV
        </Button>
      }
      empty={<Empty title="No data in this time" />}
    />
  )
}
