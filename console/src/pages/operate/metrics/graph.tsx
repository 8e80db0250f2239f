/** The graph of what was picked, or its values as a table; which time, in which steps. */
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Chart } from "@/parts/chart"
import { Empty } from "@/parts/empty"
import { duration } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { colorOf } from "./colors"
import { type Pick, titleOf } from "./picks"
import { RangePicker } from "./range-picker"
import { periodsFor, type Range, tick } from "./ranges"
import type { Line } from "./reads"
import { Values } from "./values"

type Props = {
  picks: readonly Pick[]
  range: Range
  period: number
  auto: boolean
  found: { from: Date; to: Date; lines: Line[] } | undefined
  error: Error | null
  units: ReadonlyMap<string, string> | undefined
  table: boolean
  onRange: (range: Range) => void
  onPeriod: (period: number | undefined) => void
  onTable: (table: boolean) => void
}

/** What a line is called; lines of one search by their own labels. */
export function nameOfLine(line: Line, lines: readonly Line[], picks: readonly Pick[]): string {
  const pick = picks.find((one) => one.id === line.id)
  const alone = lines.filter((one) => one.id === line.id).length < 2
  return pick && alone ? titleOf(pick, picks) : line.label || line.id
}

export function Graph(props: Props) {
  const { picks, range, period, auto, found, error, units, table } = props
  const told = [...new Set(units?.values() ?? [])].filter(Boolean)
  const seconds = found ? (found.to.getTime() - found.from.getTime()) / 1_000 : 3_600
  const problems = (found?.lines ?? []).filter((one) => one.problem)
  const periods = periodsFor(range, Date.now())
  const automatic = { value: "", label: auto ? `Automatic (${duration(period * 1_000)})` : "Automatic" }
  const options = [automatic, ...periods.map((one) => ({ value: String(one), label: duration(one * 1_000) }))]
  return (
    <Container
      header={
        <SpaceBetween size="s">
          <Header variant="h2">Graph</Header>
          <div className="clary-controls">
            <RangePicker range={range} onChange={props.onRange} />
            <Select
              ariaLabel="Period"
              inlineLabelText="Period"
              options={options}
              selectedOption={options.find((one) => one.value === (auto ? "" : String(period))) ?? automatic}
              onChange={({ detail }) => props.onPeriod(Number(detail.selectedOption.value) || undefined)}
            />
            <SegmentedControl
              label="Shown as"
              selectedId={table ? "table" : "graph"}
              onChange={({ detail }) => props.onTable(detail.selectedId === "table")}
              options={[
                { id: "graph", text: "Graph" },
                { id: "table", text: "Table" },
              ]}
            />
          </div>
        </SpaceBetween>
      }
    >
      {picks.length === 0 ? (
        <Empty title="Nothing is plotted">Choose metrics below, and plot them together.</Empty>
      ) : error && !found ? (
        <Problem error={error} />
      ) : !found ? (
        <Waiting what="Reading metrics" />
      ) : (
        <SpaceBetween size="s">
          {error && <Problem error={error} header="These values are old: they could not be read again" />}
          {table ? (
            <Values lines={found.lines} picks={picks} units={units} />
          ) : (
            <Chart
              label="Metrics over time"
              height={300}
              domain={[found.from, found.to]}
              tick={(when) => tick(when, seconds)}
              y={told.length === 1 ? told[0] : told.length > 1 ? "Several units" : ""}
              empty="No data in this time"
              series={found.lines.map((line, at) => ({
                title: nameOfLine(line, found.lines, picks),
                points: line.values,
                color: colorOf(at),
              }))}
            />
          )}
          {problems.map((one) => (
            <Box key={one.key} color="text-status-warning">
              {one.id}: {one.problem}
            </Box>
          ))}
        </SpaceBetween>
      )}
    </Container>
  )
}
