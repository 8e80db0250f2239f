/** Lines over time, in one look: CloudWatch's datapoints, metric curves, anything with x as Date or number. */
import LineChart from "@cloudscape-design/components/line-chart"
import type { MixedLineBarChartProps } from "@cloudscape-design/components/mixed-line-bar-chart"
import { Empty } from "./empty"
import { number } from "./format"

export type Series<X extends Date | number> = {
  title: string
  points: { x: X; y: number }[]
  /** A line at one height, for example an alarm's threshold; `points` are then not looked at. */
  threshold?: number
  color?: string
}

type Props<X extends Date | number> = {
  series: Series<X>[]
  label: string
  x?: string
  y?: string
  height?: number
  format?: (value: number) => string
  empty?: string
  domain?: [X, X]
  /** How an instant stands at the axis; the time of day where nothing is said. */
  tick?: (when: Date) => string
}

const clock = (when: Date): string =>
  when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })

export function Chart<X extends Date | number>({
  series,
  label,
  x,
  y,
  height = 220,
  format = number,
  empty = "No data yet",
  domain,
  tick = clock,
}: Props<X>) {
  const lines = series
    .filter((one) => one.threshold !== undefined || one.points.length)
    .map((one) =>
      one.threshold === undefined
        ? {
            type: "line" as const,
            title: one.title,
            data: one.points,
            valueFormatter: format,
            ...(one.color ? { color: one.color } : {}),
          }
        : { type: "threshold" as const, title: one.title, y: one.threshold, valueFormatter: format },
    )
  const first = series.find((one) => one.points.length)?.points[0]
  const time = first?.x instanceof Date
  return (
    <LineChart
      series={lines as MixedLineBarChartProps.ChartSeries<X>[] as never}
      xScaleType={time ? "time" : "linear"}
      {...(domain ? { xDomain: domain as never } : {})}
      height={height}
      hideFilter
      hideLegend={lines.length < 2}
      ariaLabel={label}
      xTitle={x}
      yTitle={y}
      empty={<Empty title={empty} />}
      i18nStrings={{
        xTickFormatter: ((value: X) => (value instanceof Date ? tick(value) : number(Number(value)))) as never,
        yTickFormatter: format,
        chartAriaRoleDescription: "line chart",
        xAxisAriaRoleDescription: "x axis",
        yAxisAriaRoleDescription: "y axis",
        legendAriaLabel: "Series",
        detailPopoverDismissAriaLabel: "Close",
      }}
    />
  )
}
