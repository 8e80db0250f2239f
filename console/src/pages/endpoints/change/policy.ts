/** How an update brings its traffic over: the choices of the form as a DeploymentConfig. Pure functions. */
import type { DeploymentConfig } from "@aws-sdk/client-sagemaker"

export type Kind = "ALL_AT_ONCE" | "CANARY" | "LINEAR" | "ROLLING"
export type Policy = {
  kind: Kind
  /** Percent of the first part, of each step, or of a batch. */
  size: number
  /** Seconds to watch after each part. */
  wait: number
  /** Seconds that the old instances are kept after the last part. */
  keep: number
  /** Alarms that take the update back when they call. */
  alarms: string[]
}

export const POLICY: Policy = { kind: "ALL_AT_ONCE", size: 20, wait: 0, keep: 0, alarms: [] }

export const KINDS: { value: Kind; label: string; description: string }[] = [
  { value: "ALL_AT_ONCE", label: "All at once", description: "All traffic moves as soon as the new instances answer." },
  { value: "CANARY", label: "Canary", description: "A small part first; the rest after a time of watching." },
  { value: "LINEAR", label: "Linear", description: "Part after part, watched after each." },
  {
    value: "ROLLING",
    label: "Rolling",
    description: "Batches of instances replace the old ones: fewer instances at a time.",
  },
]

/** The bounds of `size`, as SageMaker has them. */
export const SIZES: Record<Kind, [number, number] | undefined> = {
  ALL_AT_ONCE: undefined,
  CANARY: [1, 50],
  LINEAR: [10, 50],
  ROLLING: [5, 50],
}

const percent = (Value: number) => ({ Type: "CAPACITY_PERCENT" as const, Value })

export function deploymentConfig({ kind, size, wait, keep, alarms }: Policy): DeploymentConfig {
  const [low, high] = SIZES[kind] ?? [0, 100]
  const part = percent(Math.min(high, Math.max(low, Math.round(size))))
  const back = alarms.length
    ? { AutoRollbackConfiguration: { Alarms: alarms.map((AlarmName) => ({ AlarmName })) } }
    : {}
  if (kind === "ROLLING") {
    return { RollingUpdatePolicy: { MaximumBatchSize: part, WaitIntervalInSeconds: wait }, ...back }
  }
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        Type: kind,
        WaitIntervalInSeconds: wait,
        ...(kind === "CANARY" ? { CanarySize: part } : {}),
        ...(kind === "LINEAR" ? { LinearStepSize: part } : {}),
      },
      TerminationWaitInSeconds: keep,
    },
    ...back,
  }
}

/** In words: what will happen, in order. */
export function planned({ kind, size, wait, keep, alarms }: Policy): string {
  const watch = wait ? `, watched for ${wait} s` : ""
  const stages = {
    ALL_AT_ONCE: `All traffic moves at once${watch}`,
    CANARY: `${size} % of the traffic moves first${watch}, then the rest${watch}`,
    LINEAR: `The traffic moves in ${Math.ceil(100 / size)} steps of ${size} %, each${watch || " at once"}`.replace(
      "each, ",
      "each ",
    ),
    ROLLING: `The instances are replaced ${size} % at a time${watch && `, each batch${watch}`}`.replace(
      "batch, ",
      "batch ",
    ),
  }[kind]
  const kept = keep && kind !== "ROLLING" ? `; the old instances are kept for ${keep} s more` : ""
  const back = alarms.length ? `. It is taken back if ${alarms.join(" or ")} calls` : ""
  return `${stages}${kept}${back}.`
}
