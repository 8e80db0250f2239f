/** From values to places: axes of parameters as the tuning job searches them, and round numbers for their ticks. */
import type { ParameterRanges } from "@aws-sdk/client-sagemaker"
import { number } from "@/parts/format"

export type Axis = {
  name: string
  kind: "linear" | "log" | "reverse-log" | "category"
  low: number
  high: number
  /** Of a category: its choices, from the bottom up. */
  choices: string[]
}

/** `Auto` goes by magnitude where the upper end is a thousand times the lower one or more, as the search itself does. */
function kindOf(scaling: string | undefined, low: number, high: number): Axis["kind"] {
  if (scaling === "Logarithmic") return low > 0 ? "log" : "linear"
  if (scaling === "ReverseLogarithmic") return high < 1 ? "reverse-log" : "linear"
  return (scaling === undefined || scaling === "Auto") && low > 0 && high >= 1_000 * low ? "log" : "linear"
}

/** Ranges of several definitions that name the same parameter become one axis that holds them all. */
export function axes(ranges: readonly (ParameterRanges | undefined)[]): Axis[] {
  const found = new Map<string, Axis>()
  const add = (axis: Axis) => {
    const known = found.get(axis.name)
    if (!known) found.set(axis.name, axis)
    else {
      found.set(axis.name, {
        ...known,
        low: Math.min(known.low, axis.low),
        high: Math.max(known.high, axis.high),
        choices: [...new Set([...known.choices, ...axis.choices])],
      })
    }
  }
  for (const one of ranges) {
    for (const range of [...(one?.ContinuousParameterRanges ?? []), ...(one?.IntegerParameterRanges ?? [])]) {
      const [low, high] = [Number(range.MinValue), Number(range.MaxValue)]
      if (!range.Name || !Number.isFinite(low) || !Number.isFinite(high)) continue
      add({ name: range.Name, kind: kindOf(range.ScalingType, low, high), low, high, choices: [] })
    }
    for (const range of one?.CategoricalParameterRanges ?? []) {
      if (range.Name) add({ name: range.Name, kind: "category", low: 0, high: 1, choices: [...(range.Values ?? [])] })
    }
  }
  return [...found.values()]
}

/** The axis of the objective: as wide as what was told, and `share` of that wider at either end. */
export function objectiveAxis(name: string, values: readonly number[], share = 0): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * share
  return { name, kind: "linear", low: low - room, high: high + room, choices: [] }
}

/** 0 at the bottom of the axis, 1 at its top; undefined: the value does not stand on it. */
export function position(axis: Axis, raw: string | number | undefined): number | undefined {
  if (raw === undefined) return undefined
  if (axis.kind === "category") {
    const at = axis.choices.indexOf(String(raw))
    if (at < 0) return undefined
    return axis.choices.length === 1 ? 0.5 : at / (axis.choices.length - 1)
  }
  const value = Number(raw)
  if (!Number.isFinite(value)) return undefined
  const [low, high, at] = [axis.low, axis.high, value].map((one) => stretch(axis.kind, one)) as [number, number, number]
  if (low === high) return 0.5
  return Math.min(1, Math.max(0, (at - low) / (high - low)))
}

function stretch(kind: Axis["kind"], value: number): number {
  if (kind === "log") return Math.log10(value)
  if (kind === "reverse-log") return -Math.log10(1 - value)
  return value
}

export type Tick = { at: number; text: string }

export function ticks(axis: Axis, most = 5): Tick[] {
  const place = (value: string | number, text: string): Tick[] => {
    const at = position(axis, value)
    return at === undefined ? [] : [{ at, text }]
  }
  if (axis.kind === "category") return axis.choices.flatMap((choice) => place(choice, choice))
  const ends = [axis.low, axis.high]
  if (axis.kind === "log") {
    const decades: number[] = []
    for (let power = Math.ceil(Math.log10(axis.low) - 1e-9); 10 ** power <= axis.high * (1 + 1e-9); power++)
      decades.push(10 ** power)
    const step = Math.ceil(decades.length / most)
    const shown = decades.filter((_, at) => at % step === 0)
    return (shown.length >= 2 ? shown : ends).flatMap((value) => place(value, number(value)))
  }
  if (axis.kind === "reverse-log") return ends.flatMap((value) => place(value, number(value)))
  return round(axis.low, axis.high, most).flatMap((value) => place(value, number(value)))
}

/** Round numbers between two: steps of 1, 2 or 5 times a power of ten. */
export function round(low: number, high: number, most = 5): number[] {
  if (!(high > low)) return [low]
  const rough = (high - low) / most
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? 10 * power
  const found: number[] = []
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++)
    found.push(Number((n * step).toPrecision(12)))
  return found
}
