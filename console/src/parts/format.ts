/** Numbers, sizes and times as people read them. Pure functions: the components beside them only draw. */

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 })
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

/** 12,345.68; small ones with four significant digits: 0.04321. */
export function number(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–"
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞"
  if (value !== 0 && Math.abs(value) < 1) return String(Number(value.toPrecision(4)))
  return NUMBER.format(value)
}

/** How many of something: 12,345. */
export const count = (value: number | undefined): string => (value === undefined ? "–" : WHOLE.format(value))

/** 0.956 -> 95.6 %. */
export const percent = (share: number | undefined, digits = 1): string =>
  share === undefined || Number.isNaN(share) ? "–" : `${(share * 100).toFixed(digits)} %`

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"]

/** Decimal units, three digits: 1.54 MB. */
export function bytes(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–"
  let [size, unit] = [value, 0]
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1]
  return `${unit === 0 ? WHOLE.format(size) : Number(size.toPrecision(3))} ${UNITS[unit]}`
}

/** 340 ms, 12.4 s, 3 min 5 s, 2 h 10 min, 4 d 3 h. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return "–"
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`
  const whole = Math.round(seconds)
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ]
  if (days) return `${days} d${hours ? ` ${hours} h` : ""}`
  if (hours) return `${hours} h${minutes ? ` ${minutes} min` : ""}`
  return `${minutes} min${whole % 60 ? ` ${whole % 60} s` : ""}`
}

/** From one instant to another; an end that is not yet is now. */
export function between(from: Date | undefined, to: Date | undefined, now = Date.now()): number | undefined {
  return from && (to ?? new Date(now)).getTime() - from.getTime()
}

/** "just now", "35 s ago", "12 min ago", "3 h ago", "5 d ago"; the future: "in 3 h". */
export function ago(when: Date | undefined, now = Date.now()): string {
  if (when === undefined) return "–"
  const ms = now - when.getTime()
  if (Math.abs(ms) < 5_000) return "just now"
  const far = Math.abs(ms) / 1000
  const [size, unit] =
    far < 60 ? [far, "s"] : far < 3_600 ? [far / 60, "min"] : far < 86_400 ? [far / 3_600, "h"] : [far / 86_400, "d"]
  const words = `${Math.floor(size)} ${unit}`
  return ms > 0 ? `${words} ago` : `in ${words}`
}

const pad = (part: number) => String(part).padStart(2, "0")

/** The whole instant in the zone of whoever reads, with the zone: 2026-11-22 14:03:59 UTC+1. */
export function instant(when: Date | undefined): string {
  if (when === undefined) return "–"
  const day = `${when.getFullYear()}-${pad(when.getMonth() + 1)}-${pad(when.getDate())}`
  const offset = -when.getTimezoneOffset()
  const zone =
    offset === 0
      ? ""
      : `${offset > 0 ? "+" : "−"}${Math.floor(Math.abs(offset) / 60)}${Math.abs(offset) % 60 ? `:${pad(Math.abs(offset) % 60)}` : ""}`
  return `${day} ${pad(when.getHours())}:${pad(when.getMinutes())}:${pad(when.getSeconds())} UTC${zone}`
}

/** "ml.m5.large" stays; "InProgress" becomes "In progress", "InService" "In service". */
export function words(name: string | undefined): string {
  if (!name) return "–"
  const spaced = name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
  return (spaced[0] ?? "").toUpperCase() + spaced.slice(1)
}

/** The last part of an ARN or path: the name of the thing. */
export const nameOf = (arn: string | undefined): string => arn?.split("/").at(-1) ?? ""
