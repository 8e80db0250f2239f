/** When a schedule fires next: at(), rate() and cron() of EventBridge, in a time zone. Pure functions. */

type Fields = {
  minutes: Set<number>
  hours: Set<number>
  days: Set<number>
  months: Set<number>
  weekdays: Set<number>
  years: string
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

/** The numbers of one field; undefined where it has what is not computed here (L, W, #). */
function numbers(field: string, low: number, high: number, names: readonly string[] = []): Set<number> | undefined {
  const found = new Set<number>()
  const value = (text: string): number => {
    const at = names.indexOf(text.toUpperCase())
    return at >= 0 ? at + 1 : /^\d+$/.test(text) ? Number(text) : Number.NaN
  }
  for (const part of field.split(",")) {
    const [range = "", step = "1"] = part.split("/")
    const [from = "", to] = range.split("-")
    const all = range === "*" || range === "?"
    const first = all ? low : value(from)
    const last = all || (part.includes("/") && to === undefined) ? high : to === undefined ? first : value(to)
    const by = Number(step)
    if (![first, last, by].every(Number.isInteger) || by < 1 || first < low || last > high) return undefined
    for (let n = first; n <= last; n += by) found.add(n)
  }
  return found
}

function fields(expression: string): Fields | undefined {
  const [, inside] = /^cron\((.+)\)$/.exec(expression.trim()) ?? []
  const parts = inside?.trim().split(/\s+/) ?? []
  const [minute, hour, day, month, weekday, years] = parts
  if (!minute || !hour || !day || !month || !weekday || !years) return undefined
  const minutes = numbers(minute, 0, 59)
  const hours = numbers(hour, 0, 23)
  const days = numbers(day, 1, 31)
  const months = numbers(month, 1, 12, MONTHS)
  const weekdays = numbers(weekday, 1, 7, WEEKDAYS)
  return minutes && hours && days && months && weekdays && { minutes, hours, days, months, weekdays, years }
}

/** How far the clocks of the zone are ahead of UTC at that instant, in ms. */
function offset(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at)
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value)
  const shown = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"))
  return shown - Math.floor(at / 1_000) * 1_000
}

/** The instant at which the zone's clocks show this; undefined where they skip it in spring. */
function instantOf(shown: number, zone: string): number | undefined {
  const guess = shown - offset(zone, shown)
  const at = shown - offset(zone, guess)
  return at + offset(zone, at) === shown ? at : undefined
}

const DAY = 86_400_000
/** A date as rare as the 29th of February comes within eight years. */
const FAR = 8 * 366

function nextCron(expression: string, zone: string, now: number): number | undefined {
  const wanted = fields(expression)
  if (wanted === undefined) return undefined
  const today = Math.floor((now + offset(zone, now)) / DAY) * DAY
  const years = wanted.years === "*" ? undefined : numbers(wanted.years, 1970, 2199)
  if (wanted.years !== "*" && years === undefined) return undefined
  for (let ahead = 0; ahead <= FAR; ahead++) {
    const day = today + ahead * DAY
    const date = new Date(day)
    if (years && !years.has(date.getUTCFullYear())) continue
    if (!wanted.months.has(date.getUTCMonth() + 1) || !wanted.days.has(date.getUTCDate())) continue
    if (!wanted.weekdays.has(date.getUTCDay() + 1)) continue
    for (const hour of [...wanted.hours].sort((a, b) => a - b))
      for (const minute of [...wanted.minutes].sort((a, b) => a - b)) {
        const at = instantOf(day + (hour * 60 + minute) * 60_000, zone)
        if (at !== undefined && at > now) return at
      }
  }
  return undefined
}

const UNITS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: DAY }

type Schedule = { expression: string | undefined; zone?: string; start?: Date; end?: Date }

/**
 * The next moment; undefined where there is none, or where it cannot be told: of a rate that began at no known instant,
 * and of the fields L, W and #.
 */
export function nextRun({ expression = "", zone = "UTC", start, end }: Schedule, now: number): Date | undefined {
  const from = Math.max(now, (start?.getTime() ?? 0) - 1)
  let at: number | undefined
  const [, instant] = /^at\((.+)\)$/.exec(expression) ?? []
  const [, amount, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? []
  if (instant) {
    const fires = instantOf(Date.parse(`${instant}Z`), zone)
    at = fires !== undefined && fires > now ? fires : undefined
  } else if (amount && unit) {
    if (start === undefined) return undefined
    const step = Number(amount) * (UNITS[unit] ?? DAY)
    at =
      start.getTime() > now ? start.getTime() : start.getTime() + Math.ceil((now - start.getTime() + 1) / step) * step
  } else at = nextCron(expression, zone, from)
  if (at === undefined || Number.isNaN(at) || (end && at > end.getTime())) return undefined
  return new Date(at)
}
