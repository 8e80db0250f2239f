/** From instants and values to places in a picture, and back. Pure functions. */
import type { Point } from "../metrics"

/** "Nice" steps of time between labels, in seconds. */
const STEPS = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200, 86_400]

/** Whole minutes, quarters or hours of the reader's clock between `from` and `to` (ms), about one every `room` pixels. */
export function timeTicks(from: number, to: number, width: number, room = 90): number[] {
  const most = Math.max(2, Math.floor(width / room))
  const seconds = STEPS.find((one) => (to - from) / 1_000 / one <= most) ?? 86_400
  const step = seconds * 1_000
  const zone = new Date(from).getTimezoneOffset() * 60_000
  const found: number[] = []
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) found.push(at)
  return found
}

/** The least "nice" number that is not below `value`: 1, 2, 2.5, 5 times a power of ten. */
export function niceAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= value * (1 - 1e-9)) ?? 10
  return factor * power
}

/** The path of a line; where points are farther apart than `reach` it is broken. `step`: it keeps its height until the next. */
export function path(
  points: readonly Point[],
  x: (at: number) => number,
  y: (value: number) => number,
  reach: number,
  step = false,
): string {
  let drawn = ""
  let before: Point | undefined
  for (const one of points) {
    const [at, height] = [x(one.x).toFixed(1), y(one.y).toFixed(1)]
    if (before === undefined || one.x - before.x > reach) drawn += `M${at} ${height}h0`
    else drawn += step ? `H${at}V${height}` : `L${at} ${height}`
    before = one
  }
  return drawn
}

/** The instant below the pointer, on the grid of the periods. */
export function instantAt(px: number, left: number, width: number, from: number, to: number, period: number): number {
  const share = Math.min(1, Math.max(0, (px - left) / Math.max(1, width)))
  const grid = period * 1_000
  return Math.min(to, Math.max(from, Math.round((from + share * (to - from)) / grid) * grid))
}
