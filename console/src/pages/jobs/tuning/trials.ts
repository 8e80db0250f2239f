/** The training jobs of a tuning job, as points: in the order of their start, with the best so far. */
import type {
  DescribeHyperParameterTuningJobResponse,
  HyperParameterTrainingJobSummary,
  HyperParameterTuningJobObjective,
} from "@aws-sdk/client-sagemaker"

export type Trial = {
  name: string
  status: string
  objective?: number
  params: Record<string, string>
  created?: Date
  started?: Date
  ended?: Date
  definition?: string
  why?: string
}

export type Direction = "Minimize" | "Maximize"
/** Of several definitions each has its own; all of them minimise, or all maximise. */
export const objectiveOf = (
  job: DescribeHyperParameterTuningJobResponse,
): HyperParameterTuningJobObjective | undefined =>
  job.HyperParameterTuningJobConfig?.HyperParameterTuningJobObjective ??
  job.TrainingJobDefinition?.TuningObjective ??
  job.TrainingJobDefinitions?.[0]?.TuningObjective

export type Point = { trial: Trial; n: number; value: number; best: number; isBest: boolean }

export function trialOf(summary: HyperParameterTrainingJobSummary): Trial {
  const value = summary.FinalHyperParameterTuningJobObjectiveMetric?.Value
  return {
    name: summary.TrainingJobName ?? "",
    status: summary.TrainingJobStatus ?? "",
    params: summary.TunedHyperParameters ?? {},
    ...(value !== undefined && Number.isFinite(value) ? { objective: value } : {}),
    ...(summary.CreationTime ? { created: summary.CreationTime } : {}),
    ...(summary.TrainingStartTime ? { started: summary.TrainingStartTime } : {}),
    ...(summary.TrainingEndTime ? { ended: summary.TrainingEndTime } : {}),
    ...(summary.TrainingJobDefinitionName ? { definition: summary.TrainingJobDefinitionName } : {}),
    ...(summary.FailureReason ? { why: summary.FailureReason } : {}),
  }
}

const order = (trial: Trial) => (trial.started ?? trial.created)?.getTime() ?? Number.POSITIVE_INFINITY

export const better = (a: number, b: number, direction: Direction): boolean =>
  direction === "Minimize" ? a < b : a > b

/** Those that told an objective. `n` counts all trials by their start, also those that told none. */
export function points(trials: readonly Trial[], direction: Direction): Point[] {
  const sorted = [...trials].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
  let best: number | undefined
  return sorted.flatMap((trial, at) => {
    const value = trial.objective
    if (value === undefined) return []
    const isBest = best === undefined || better(value, best, direction)
    if (isBest) best = value
    return [{ trial, n: at + 1, value, best: best ?? value, isBest }]
  })
}
