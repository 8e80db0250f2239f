/** What has become of each step of an execution, those too that no list of AWS names because they have not begun. */
import type { PipelineExecutionStep } from "@aws-sdk/client-sagemaker"
import type { Definition, Edge } from "./definition"

export type StepState = {
  name: string
  /** A StepStatus, or why there is none: Waiting, NotChosen, NotReached, NotSelected. */
  status: string
  from: Date | undefined
  to: Date | undefined
  reason: string
  attempts: number
  /** The execution whose result was taken: because nothing had changed, or because this step was not selected. */
  cached: string | undefined
  reused: string | undefined
  /** Of a condition. */
  outcome: "True" | "False" | undefined
  listed: PipelineExecutionStep | undefined
}

export type States = ReadonlyMap<string, StepState>

const RUNNING = ["Executing", "Stopping"]
export const isOver = (status: string | undefined): boolean => status !== undefined && !RUNNING.includes(status)

export function statesOf(
  definition: Definition,
  listed: readonly PipelineExecutionStep[],
  execution: { status: string | undefined; selected?: readonly string[] },
): States {
  const found = new Map(listed.map((one) => [one.StepName ?? "", one]))
  const excluded = excludedBy(definition, found)
  const states = new Map<string, StepState>()
  for (const step of definition.steps) {
    const one = found.get(step.name)
    states.set(step.name, {
      name: step.name,
      status:
        one?.StepStatus ??
        (execution.selected && !execution.selected.includes(step.name)
          ? "NotSelected"
          : excluded.has(step.name)
            ? "NotChosen"
            : isOver(execution.status)
              ? "NotReached"
              : "Waiting"),
      from: one?.StartTime,
      to: one?.EndTime,
      reason: one?.FailureReason ?? "",
      attempts: one?.AttemptCount ?? 0,
      cached: one?.CacheHitResult?.SourcePipelineExecutionArn,
      reused: one?.SelectiveExecutionResult?.SourcePipelineExecutionArn,
      outcome: one?.Metadata?.Condition?.Outcome,
      listed: one,
    })
  }
  return states
}

/** Steps that stand in a branch that was not taken, and what waits for them. */
function excludedBy(definition: Definition, listed: ReadonlyMap<string, PipelineExecutionStep>): Set<string> {
  const excluded = new Set<string>()
  let grown = true
  while (grown) {
    grown = false
    for (const step of definition.steps) {
      if (excluded.has(step.name)) continue
      const outcome = step.inside && listed.get(step.inside.condition)?.Metadata?.Condition?.Outcome
      const other = outcome !== undefined && (outcome === "True") !== (step.inside?.branch === "if")
      if (other || definition.edges.some((edge) => edge.to === step.name && excluded.has(edge.from))) {
        excluded.add(step.name)
        grown = true
      }
    }
  }
  return excluded
}

/** Whether the way along this edge was gone, will not be gone, or is not decided. */
export function edgeState(edge: Edge, states: States): "taken" | "passed over" | "open" {
  const [from, to] = [states.get(edge.from), states.get(edge.to)]
  if (edge.kind === "branch" && from?.outcome) {
    return (from.outcome === "True") === (edge.branch === "if") ? "taken" : "passed over"
  }
  if (to && ["NotChosen", "NotReached", "NotSelected"].includes(to.status)) return "passed over"
  return from?.status === "Succeeded" && to?.listed ? "taken" : "open"
}

/** From when to when the execution ran, by its own steps; no end while it runs, or where that is not known. */
export function spanOf(
  started: Date | undefined,
  status: string | undefined,
  listed: readonly PipelineExecutionStep[],
): { from: Date | undefined; to: Date | undefined } {
  if (!isOver(status)) return { from: started, to: undefined }
  const ends = listed.filter((one) => !one.SelectiveExecutionResult).flatMap((one) => one.EndTime?.getTime() ?? [])
  return { from: started, to: ends.length ? new Date(Math.max(...ends)) : started }
}

/** "4 of 6 done" needs both numbers: what has succeeded, and what is to run as far as that is decided. */
export function progressOf(states: States): { done: number; of: number } {
  const counted = [...states.values()].filter((one) => !["NotChosen", "NotSelected"].includes(one.status))
  return { done: counted.filter((one) => one.status === "Succeeded").length, of: counted.length }
}

/** Of a step: it is under way, so its time goes on. */
export const isLive = (state: Pick<StepState, "status">): boolean =>
  ["Starting", "Executing", "Stopping"].includes(state.status)

/** From when to when the step worked in this execution; undefined where it has not, or where its end is not known. */
export function workOf(state: StepState): { from: Date; to: Date | undefined } | undefined {
  if (!state.from || state.reused || (!state.to && !isLive(state))) return undefined
  return { from: state.from, to: state.to }
}
