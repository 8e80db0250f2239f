/** Two executions side by side: what differs in their parameters, steps and metrics. */
import type { Definition, Step } from "./definition"
import type { Metric } from "./metrics"
import { same, type Typed, written } from "./parameters"
import type { States, StepState } from "./state"

export type Side = { definition: Definition; parameters: Typed; states: States; metrics: ReadonlyMap<string, Metric[]> }

export type ParameterRow = {
  name: string
  a: string | undefined
  b: string | undefined
  fallback: string
  differs: boolean
}
export type StepRow = {
  name: string
  type: string
  a: StepState | undefined
  b: StepState | undefined
  tookA: number | undefined
  tookB: number | undefined
  /** ms, b - a; only of steps that ran here, in both. */
  difference: number | undefined
  differs: boolean
}
export type MetricRow = {
  step: string
  name: string
  a: number | undefined
  b: number | undefined
  difference: number | undefined
}

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])]
const named = (steps: readonly Step[]): string[] => steps.map((one) => one.name)

export function parameterRows(a: Side, b: Side): ParameterRow[] {
  const declared = new Map([...a.definition.parameters, ...b.definition.parameters].map((one) => [one.name, one]))
  return union(Object.keys(a.parameters), Object.keys(b.parameters)).map((name) => {
    const [left, right, about] = [a.parameters[name], b.parameters[name], declared.get(name)]
    const equal =
      left === undefined || right === undefined ? left === right : same(about ?? { type: "String" }, left, right)
    return { name, a: left, b: right, fallback: written(about?.default), differs: !equal }
  })
}

/** How long the step itself worked here, in ms: nothing where its result was taken from elsewhere. */
export function worked(state: StepState | undefined): number | undefined {
  if (!state?.from || !state.to || state.cached || state.reused) return undefined
  return state.to.getTime() - state.from.getTime()
}

export function stepRows(a: Side, b: Side): StepRow[] {
  const types = new Map([...a.definition.steps, ...b.definition.steps].map((one) => [one.name, one.type]))
  return union(named(a.definition.steps), named(b.definition.steps)).map((name) => {
    const [left, right] = [a.states.get(name), b.states.get(name)]
    const [tookA, tookB] = [worked(left), worked(right)]
    return {
      name,
      type: types.get(name) ?? "",
      a: left,
      b: right,
      tookA,
      tookB,
      difference: tookA === undefined || tookB === undefined ? undefined : tookB - tookA,
      differs: left?.status !== right?.status || left?.outcome !== right?.outcome,
    }
  })
}

export function metricRows(a: Side, b: Side): MetricRow[] {
  return union([...a.metrics.keys()], [...b.metrics.keys()]).flatMap((step) => {
    const [left, right] = [byName(a.metrics.get(step)), byName(b.metrics.get(step))]
    return union([...left.keys()], [...right.keys()]).map((name) => {
      const [one, other] = [left.get(name), right.get(name)]
      const difference = one === undefined || other === undefined ? undefined : other - one
      return { step, name, a: one, b: other, difference }
    })
  })
}

const byName = (metrics: readonly Metric[] | undefined) => new Map(metrics?.map((one) => [one.name, one.value]))
