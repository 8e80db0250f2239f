/** What is plotted: each line with its colour, statistic and last, least, greatest and mean value. */
import Button from "@cloudscape-design/components/button"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { Empty } from "@/parts/empty"
import { count, number } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { consoleHref, useFollow } from "@/shell/link"
import { colorOf } from "./colors"
import { nameOfLine } from "./graph"
import { freeId, isMath, type MetricPick, type Pick, written } from "./picks"
import type { Line, Value } from "./reads"

export const STATISTICS = [
  "Average",
  "Sum",
  "Minimum",
  "Maximum",
  "SampleCount",
  "p50",
  "p90",
  "p95",
  "p99",
  "p99.9",
  "tm90",
  "IQM",
]

type Row = { pick: Pick; line: Line | undefined; color: string; name: string }

export function summary(values: readonly Value[]) {
  if (values.length === 0) return undefined
  const ys = values.map((one) => one.y)
  const [least, greatest] = ys.reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [Infinity, -Infinity])
  return { last: ys.at(-1), least, greatest, mean: ys.reduce((a, b) => a + b, 0) / ys.length, points: ys.length }
}

/** A row for each line; a pick without one (no data, or on its way) has a row all the same. */
function rowsOf(picks: readonly Pick[], lines: readonly Line[]): Row[] {
  return picks.flatMap((pick): Row[] => {
    const own = lines.filter((one) => one.id === pick.id)
    if (own.length === 0) return [{ pick, line: undefined, color: "transparent", name: pick.id }]
    return own.map((line) => ({
      pick,
      line,
      color: colorOf(lines.indexOf(line)),
      name: nameOfLine(line, lines, picks),
    }))
  })
}

const StatOf = ({ pick, onChange }: { pick: MetricPick; onChange: (stat: string) => void }) => {
  const all = STATISTICS.includes(pick.stat) ? STATISTICS : [pick.stat, ...STATISTICS]
  return (
    <Select
      ariaLabel={`Statistic of ${pick.id}`}
      options={all.map((value) => ({ value, label: value }))}
      selectedOption={{ value: pick.stat, label: pick.stat }}
      onChange={({ detail }) => onChange(detail.selectedOption.value ?? pick.stat)}
      expandToViewport
    />
  )
}

type Props = {
  picks: readonly Pick[]
  lines: readonly Line[]
  units: ReadonlyMap<string, string> | undefined
  period: number
  onPicks: (picks: Pick[]) => void
}

export function Plotted({ picks, lines, units, period, onPicks }: Props) {
  const follow = useFollow()
  const replace = (by: Pick) => onPicks(picks.map((one) => (one.id === by.id ? by : one)))
  const value = (
    id: string,
    header: string,
    of: (found: NonNullable<ReturnType<typeof summary>>) => number | undefined,
  ) =>
    ({
      id,
      header,
      cell: ({ line }) => {
        const found = summary(line?.values ?? [])
        return <span className="clary-numbers">{found ? number(of(found)) : "–"}</span>
      },
    }) satisfies Column<Row>
  const columns: Column<Row>[] = [
    {
      id: "name",
      header: "Line",
      isRowHeader: true,
      minWidth: 220,
      cell: ({ pick, color, name, line }) => (
        <>
          <span className="clary-swatch" style={{ background: color }} aria-hidden />
          <b>{pick.id}</b>{" "}
          {isMath(pick) ? (
            <span className="clary-break">{line && name !== pick.expression ? name : pick.expression}</span>
          ) : (
            <span className="clary-break" title={pick.dimensions.map((pair) => pair.join(" = ")).join("\n")}>
              {pick.metric}
              <br />
              <small>
                {[pick.namespace, ...pick.dimensions.map(([, one]) => one), units?.get(pick.id) ?? ""]
                  .filter(Boolean)
                  .join(" · ")}
              </small>
            </span>
          )}
        </>
      ),
    },
    {
      id: "stat",
      header: "Statistic",
      cell: ({ pick }) =>
        isMath(pick) ? "Math" : <StatOf pick={pick} onChange={(stat) => replace({ ...pick, stat })} />,
    },
    value("last", "Last", (found) => found.last),
    value("least", "Least", (found) => found.least),
    value("greatest", "Greatest", (found) => found.greatest),
    value("mean", "Mean", (found) => found.mean),
    {
      id: "points",
      header: "Points",
      cell: ({ line }) => <span className="clary-numbers">{count(line?.values.length ?? 0)}</span>,
    },
    {
      id: "acts",
      header: "Actions",
      cell: ({ pick }) => (
        <span className="clary-cell-buttons">
          <Button
            variant="inline-icon"
            iconName="notification"
            ariaLabel={`Make an alarm of ${pick.id}`}
            href={consoleHref(
              `/operate/alarms?${new URLSearchParams({ make: alarmOf(pick, picks), period: String(Math.max(period, 10)) })}`,
            )}
            onFollow={follow}
          />
          <Button
            variant="inline-icon"
            iconName="remove"
            ariaLabel={`Take ${pick.id} off the graph`}
            onClick={() => onPicks(picks.filter((one) => one.id !== pick.id))}
          />
        </span>
      ),
    },
  ]
  return (
    <ResourceTable<Row>
      title="Plotted"
      rows={rowsOf(picks, lines)}
      columns={columns}
      id={({ pick, line }) => line?.key ?? pick.id}
      noFilter
      pageSize={100}
      wrap
      actions={<AddMath picks={picks} onPicks={onPicks} />}
      empty={<Empty title="Nothing is plotted" />}
    />
  )
}

/** What an alarm is made of: the metric; of math the expression with all metrics that it may name. */
function alarmOf(pick: Pick, picks: readonly Pick[]): string {
  const taken = isMath(pick) ? [pick, ...picks.filter((one) => !isMath(one))] : [pick]
  return JSON.stringify(taken.map(written))
}

function AddMath({ picks, onPicks }: { picks: readonly Pick[]; onPicks: (picks: Pick[]) => void }) {
  const [text, setText] = useState("")
  const add = () => {
    if (!text.trim()) return
    onPicks([...picks, { id: freeId(picks, "e"), expression: text.trim() }])
    setText("")
  }
  return (
    <div className="clary-math">
      <Input
        value={text}
        onChange={({ detail }) => setText(detail.value)}
        onKeyDown={({ detail }) => detail.key === "Enter" && add()}
        placeholder="Math, for example m1 / m2 * 100"
        ariaLabel="Math expression"
      />
      <Button onClick={add} disabled={!text.trim()}>
        Add math
      </Button>
    </div>
  )
}
