/** A result as a picture: x and y are guessed, and can be chosen. */
import BarChart from "@cloudscape-design/components/bar-chart"
import Box from "@cloudscape-design/components/box"
import FormField from "@cloudscape-design/components/form-field"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { Chart } from "@/parts/chart"
import { Empty } from "@/parts/empty"
import { count, number } from "@/parts/format"
import { isNumberType } from "./athena"
import {
  barsOf,
  type Cells,
  type ChartColumn,
  type ChartKind,
  type Chosen,
  columnIsTime,
  guess,
  pointsOf,
  timesOf,
} from "./guess"
import { Scatter } from "./scatter"

const KINDS: { id: ChartKind; text: string }[] = [
  { id: "line", text: "Line" },
  { id: "bar", text: "Bars" },
  { id: "scatter", text: "Points" },
]

export function QuickChart({
  columns,
  rows,
  more,
}: {
  columns: readonly ChartColumn[]
  rows: readonly Cells[]
  more: boolean
}) {
  const [own, setOwn] = useState<Partial<Chosen>>({})
  const first = guess(columns, rows)
  if (!first) {
    return <Empty title="Nothing to draw">A chart needs a column of numbers, and a row.</Empty>
  }
  const chosen = { ...first, ...own }
  const options = columns.map((one, at) => ({ value: String(at), label: one.Name ?? "", description: one.Type }))
  const numbers = options.filter((_, at) => isNumberType(columns[at]?.Type))
  return (
    <SpaceBetween size="m">
      <div className="clary-sql-places">
        <FormField label="Chart">
          <SegmentedControl
            label="Chart"
            selectedId={chosen.kind}
            options={KINDS}
            onChange={({ detail }) => setOwn({ ...own, kind: detail.selectedId as ChartKind })}
          />
        </FormField>
        <FormField label="Along x">
          <Select
            options={options}
            selectedOption={options[chosen.x] ?? null}
            onChange={({ detail }) => setOwn({ ...own, x: Number(detail.selectedOption.value) })}
          />
        </FormField>
        <FormField label="Along y">
          <Select
            options={numbers}
            selectedOption={options[chosen.y] ?? null}
            onChange={({ detail }) => setOwn({ ...own, y: Number(detail.selectedOption.value) })}
          />
        </FormField>
      </div>
      <Drawn columns={columns} rows={rows} chosen={chosen} />
      {more && <Box color="text-body-secondary">Drawn from the first {count(rows.length)} rows.</Box>}
    </SpaceBetween>
  )
}

function Drawn({ columns, rows, chosen }: { columns: readonly ChartColumn[]; rows: readonly Cells[]; chosen: Chosen }) {
  const [x, y] = [columns[chosen.x], columns[chosen.y]]
  const [xTitle, yTitle] = [x?.Name ?? "", y?.Name ?? ""]
  const label = `${yTitle} by ${xTitle}`
  if (chosen.kind === "bar") {
    const { points, left } = barsOf(rows, chosen)
    return (
      <>
        <BarChart
          series={[{ type: "bar", title: yTitle, data: points, valueFormatter: number }]}
          xScaleType="categorical"
          xTitle={xTitle}
          yTitle={yTitle}
          height={280}
          hideFilter
          hideLegend
          ariaLabel={label}
          i18nStrings={{
            yTickFormatter: number,
            chartAriaRoleDescription: "bar chart",
            xAxisAriaRoleDescription: "x axis",
            yAxisAriaRoleDescription: "y axis",
            detailPopoverDismissAriaLabel: "Close",
          }}
        />
        {left > 0 && (
          <Box color="text-body-secondary">
            The first {points.length} bars; {count(left)} more are not drawn.
          </Box>
        )}
      </>
    )
  }
  if (columnIsTime(x) && chosen.kind === "line") {
    return (
      <Chart
        series={[{ title: yTitle, points: timesOf(rows, chosen) }]}
        label={label}
        x={xTitle}
        y={yTitle}
        height={280}
      />
    )
  }
  if (columnIsTime(x) || !isNumberType(x?.Type)) {
    return <Empty title={`${xTitle} is no number`}>Choose bars, or another column along x.</Empty>
  }
  const points = pointsOf(rows, chosen)
  return chosen.kind === "scatter" ? (
    <Scatter points={points} label={label} x={xTitle} y={yTitle} />
  ) : (
    <Chart series={[{ title: yTitle, points }]} label={label} x={xTitle} y={yTitle} height={280} />
  )
}
