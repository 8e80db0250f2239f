/** Which time is looked at, in which steps, and how both stand in the address. Pure functions. */

export type Range = { kind: "last"; seconds: number } | { kind: "fixed"; from: Date; to: Date }

const HOUR = 3_600
const DAY = 86_400

export const USUAL: { id: string; seconds: number; text: string }[] = [
  { id: "15m", seconds: 900, text: "15 min" },
  { id: "1h", seconds: HOUR, text: "1 h" },
  { id: "3h", seconds: 3 * HOUR, text: "3 h" },
  { id: "12h", seconds: 12 * HOUR, text: "12 h" },
  { id: "1d", seconds: DAY, text: "1 d" },
  { id: "1w", seconds: 7 * DAY, text: "1 w" },
]

const UNIT: Record<string, number> = { m: 60, h: HOUR, d: DAY, w: 7 * DAY }

/** `range=3h`, or `from` and `to` as instants; an hour where nothing (or nonsense) is said. */
export function rangeOf(params: URLSearchParams): Range {
  const [from, to] = ["from", "to"].map((name) => new Date(params.get(name) ?? Number.NaN))
  if (from && to && from.getTime() < to.getTime()) return { kind: "fixed", from, to }
  const [, amount, unit] = /^(\d{1,4})([mhdw])$/.exec(params.get("range") ?? "") ?? []
  const seconds = Number(amount) * (UNIT[unit ?? ""] ?? Number.NaN)
  return { kind: "last", seconds: seconds > 0 ? seconds : HOUR }
}

export function writeRange(params: URLSearchParams, range: Range): void {
  for (const name of ["range", "from", "to"]) params.delete(name)
  if (range.kind === "fixed") {
    params.set("from", range.from.toISOString())
    params.set("to", range.to.toISOString())
  } else params.set("range", short(range.seconds))
}

/** 3600 -> "1h", 5400 -> "90m". */
export function short(seconds: number): string {
  const unit = ["w", "d", "h"].find((one) => seconds % (UNIT[one] ?? 1) === 0) ?? "m"
  return `${Math.max(1, Math.round(seconds / (UNIT[unit] ?? 60)))}${unit}`
}

/** The first and the last instant, in whole periods, so that a graph that is looked at again shows the same points. */
export function bounds(range: Range, period: number, now: number): { from: Date; to: Date } {
  if (range.kind === "fixed") return { from: range.from, to: range.to }
  const step = Math.min(Math.max(period, 1), 60) * 1_000
  const to = Math.ceil(now / step) * step
  return { from: new Date(to - range.seconds * 1_000), to: new Date(to) }
}

export const PERIODS = [1, 5, 10, 30, 60, 300, 900, HOUR, 6 * HOUR, DAY]
/** So many points a line are enough for the widest screen. */
const POINTS = 400

/** CloudWatch keeps minutes for 15 days and 5 minutes for 63: what began earlier is only there in longer periods. */
export function shortest(from: Date, now: number): number {
  const age = (now - from.getTime()) / 1_000
  return age > 63 * DAY ? HOUR : age > 15 * DAY ? 300 : age > 3 * HOUR ? 60 : 1
}

/** The period that shows a span in a few hundred points. Below a minute only who asks for it: few metrics have seconds. */
export function periodFor(range: Range, now: number): number {
  const seconds = range.kind === "last" ? range.seconds : (range.to.getTime() - range.from.getTime()) / 1_000
  const from = range.kind === "last" ? new Date(now - seconds * 1_000) : range.from
  const least = Math.max(60, shortest(from, now), seconds / POINTS)
  return PERIODS.find((one) => one >= least) ?? DAY
}

/** What may be chosen for that span: neither finer than it is kept, nor more than the points of one answer. */
export function periodsFor(range: Range, now: number): number[] {
  const seconds = range.kind === "last" ? range.seconds : (range.to.getTime() - range.from.getTime()) / 1_000
  const from = range.kind === "last" ? new Date(now - seconds * 1_000) : range.from
  return PERIODS.filter((one) => one >= shortest(from, now) && seconds / one <= 5_000 && one <= Math.max(seconds, 60))
}

const pad = (part: number) => String(part).padStart(2, "0")

/** A tick of the axis: the time of day, and where days are long the day too. */
export function tick(when: Date, seconds: number): string {
  const time = `${pad(when.getHours())}:${pad(when.getMinutes())}`
  if (seconds <= 1_800) return `${time}:${pad(when.getSeconds())}`
  if (seconds <= DAY) return time
  return `${when.getMonth() + 1}-${pad(when.getDate())} ${time}`
}
