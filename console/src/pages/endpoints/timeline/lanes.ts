/** What the time line draws below each other, from what was measured: of one variant, of all as one, or side by side. */
import {
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
  colorChartsStatusHigh,
  colorChartsStatusMedium,
} from "@cloudscape-design/design-tokens"
import { count, number } from "@/parts/format"
import { type Key, type Measured, type Point, summed } from "../metrics"

export type Line = { title: string; points: Point[]; color: string; dash?: string }
export type Lane = {
  id: string
  title: string
  lines: Line[]
  format: (value: number) => string
  step?: boolean
  /** The axis reaches at least this far, so that small numbers look small. */
  least: number
  /** Whole numbers only on the axis. */
  whole?: boolean
  /** Told once a minute, however short the periods of the others are. */
  minutely?: boolean
  empty: string
}

export const TOGETHER = "together"
export const APART = "apart"

/** 8.42 ms, 1.2 s. */
export const latency = (ms: number): string =>
  ms >= 1_000 ? `${number(Number((ms / 1_000).toPrecision(3)))} s` : `${number(Number(ms.toPrecision(3)))} ms`
const share = (value: number): string => `${number(Number(value.toPrecision(3)))} %`
const rate = (value: number): string => number(Number(value.toPrecision(4)))

const COLORS = [
  colorChartsPaletteCategorical1,
  colorChartsPaletteCategorical2,
  colorChartsPaletteCategorical3,
  colorChartsPaletteCategorical4,
  colorChartsPaletteCategorical5,
]
const colorOf = (at: number): string => COLORS[at % COLORS.length] ?? colorChartsPaletteCategorical1

const NAMES: Record<Key, string> = {
  requests: "Requests",
  p50: "p50",
  p90: "p90",
  p99: "p99",
  overhead: "Overhead p50",
  client: "4xx",
  server: "5xx",
  instances: "Instances",
  cpu: "CPU",
  memory: "Memory",
}

type Drawn = { key: Key; color?: string; dash?: string }
type Shape = Omit<Lane, "lines"> & { together: Drawn[]; apart: Drawn[] }

const SHAPES: Shape[] = [
  {
    id: "requests",
    title: "Requests a minute",
    format: rate,
    least: 1,
    empty: "No requests were counted in this time",
    together: [{ key: "requests" }],
    apart: [{ key: "requests" }],
  },
  {
    id: "latency",
    title: "Model latency",
    format: latency,
    least: 0,
    empty: "No answers in this time",
    together: [
      { key: "p50", color: colorOf(0) },
      { key: "p90", color: colorOf(1) },
      { key: "p99", color: colorOf(2) },
      { key: "overhead", color: colorOf(3), dash: "4 3" },
    ],
    apart: [{ key: "p50" }, { key: "p99", dash: "4 3" }],
  },
  {
    id: "errors",
    title: "Errors",
    format: count,
    least: 1,
    whole: true,
    empty: "Nothing was asked in this time, so nothing failed",
    together: [
      { key: "client", color: colorChartsStatusMedium },
      { key: "server", color: colorChartsStatusHigh },
    ],
    apart: [{ key: "client" }, { key: "server", dash: "4 3" }],
  },
  {
    id: "instances",
    title: "Instances",
    format: count,
    least: 1,
    whole: true,
    step: true,
    minutely: true,
    empty: "Instances are counted once a minute; none was counted in this time",
    together: [{ key: "instances", color: colorOf(4) }],
    apart: [{ key: "instances" }],
  },
  {
    id: "used",
    title: "Utilisation of an instance",
    format: share,
    least: 1,
    minutely: true,
    empty: "Told once a minute; nothing was told in this time",
    together: [
      { key: "cpu", color: colorOf(0) },
      { key: "memory", color: colorOf(1) },
    ],
    apart: [{ key: "cpu" }, { key: "memory", dash: "4 3" }],
  },
]

/** `mode`: TOGETHER, APART, or the name of one variant. */
export function lanes(found: ReadonlyMap<string, Measured>, mode: string): Lane[] {
  const one = mode === TOGETHER ? summed(found.values()) : found.get(mode)
  const many = found.size > 1
  return SHAPES.map(({ together, apart, ...lane }) => {
    const lines =
      mode === APART
        ? [...found].flatMap(([variant, measured], at) =>
            apart.map(({ key, dash }) => ({
              title: apart.length === 1 ? variant : `${variant} ${NAMES[key]}`,
              points: measured[key],
              color: colorOf(at),
              ...(dash ? { dash } : {}),
            })),
          )
        : together.map(({ key, color, dash }) => ({
            title: NAMES[key],
            points: one?.[key] ?? [],
            color: color ?? colorOf(0),
            ...(dash ? { dash } : {}),
          }))
    const of = mode === TOGETHER && many && OF_THE[lane.id] ? ` (${OF_THE[lane.id]})` : ""
    return { ...lane, title: lane.title + of, lines }
  })
}

/** What cannot be added up is the highest of the variants, and says so. */
const OF_THE: Record<string, string> = { latency: "of the slowest variant", used: "of the busiest variant" }
