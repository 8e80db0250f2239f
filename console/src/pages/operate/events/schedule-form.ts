/** The form of a schedule, and the expression that it becomes. Pure functions. */

export type Every = "minutes" | "hours" | "day" | "week" | "once" | "cron"

export type ScheduleForm = {
  name: string
  pipeline: string
  role: string
  every: Every
  amount: string
  /** "03:00" */
  time: string
  weekday: string
  /** "2026-12-01" */
  date: string
  cron: string
  zone: string
  parameters: Record<string, string>
}

export const EVERY: { value: Every; label: string }[] = [
  { value: "day", label: "Every day" },
  { value: "week", label: "Every week" },
  { value: "hours", label: "Every few hours" },
  { value: "minutes", label: "Every few minutes" },
  { value: "once", label: "Once" },
  { value: "cron", label: "As a cron expression says" },
]

export const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]

const clock = (time: string): [number, number] | undefined => {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time.trim()) ?? []
  return hour !== undefined && minute !== undefined ? [Number(hour), Number(minute)] : undefined
}

export function wrong(form: ScheduleForm): Partial<Record<keyof ScheduleForm, string>> {
  const found: Partial<Record<keyof ScheduleForm, string>> = {}
  if (!/^[\w.-]{1,64}$/.test(form.name)) found.name = "Letters, digits and . - _, at most 64."
  if (!form.pipeline) found.pipeline = "Choose the pipeline that it starts."
  if (!form.role) found.role = "Choose the role that it starts it as."
  const timed = ["day", "week", "once"].includes(form.every)
  if (timed && !clock(form.time)) found.time = "A time of day, for example 03:00."
  if (form.every === "once" && !/^\d{4}-\d{2}-\d{2}$/.test(form.date)) found.date = "A day, for example 2026-12-01."
  if (["minutes", "hours"].includes(form.every) && !/^[1-9]\d{0,3}$/.test(form.amount)) found.amount = "A whole number."
  if (form.every === "cron" && form.cron.trim().split(/\s+/).length !== 6)
    found.cron = "Six fields: minutes, hours, day of the month, month, day of the week, year."
  return found
}

export function expression(form: ScheduleForm): string {
  const [hour, minute] = clock(form.time) ?? [0, 0]
  const n = Number(form.amount)
  switch (form.every) {
    case "minutes":
      return `rate(${n} minute${n === 1 ? "" : "s"})`
    case "hours":
      return `rate(${n} hour${n === 1 ? "" : "s"})`
    case "day":
      return `cron(${minute} ${hour} * * ? *)`
    case "week":
      return `cron(${minute} ${hour} ? * ${form.weekday} *)`
    case "once":
      return `at(${form.date}T${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}:00)`
    case "cron":
      return `cron(${form.cron.trim().split(/\s+/).join(" ")})`
  }
}

/** Time zones by their names, that of whoever looks first. */
export function zones(own: string): string[] {
  const known = Intl.supportedValuesOf("timeZone")
  return [...new Set([own, "UTC", ...known])]
}
