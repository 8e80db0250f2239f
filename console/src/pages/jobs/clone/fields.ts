/** The main members of a request that the form shows as fields; all others are in the document below it. */
import type { Cloneable, Doc, Json } from "./document"

export type Field = {
  path: (string | number)[]
  label: string
  type: "text" | "number" | "pairs"
  hint?: string
}

const INSTANCES = (path: string[]): Field[] => [
  { path: [...path, "InstanceType"], label: "Instance type", type: "text" },
  { path: [...path, "InstanceCount"], label: "Instances", type: "number" },
]

const MACHINES = (path: string[]): Field[] => [
  ...INSTANCES(path),
  { path: [...path, "VolumeSizeInGB"], label: "Volume (GB)", type: "number" },
]

export function fieldsOf(kind: Cloneable, document: Doc): Field[] {
  const role: Field = { path: ["RoleArn"], label: "Role (ARN)", type: "text" }
  const longest: Field = { path: ["StoppingCondition", "MaxRuntimeInSeconds"], label: "May run (s)", type: "number" }
  const environment: Field = { path: ["Environment"], label: "Environment", type: "pairs" }
  if (kind === "training") {
    return [
      { path: ["TrainingJobName"], label: "Name", type: "text" },
      role,
      { path: ["AlgorithmSpecification", "TrainingImage"], label: "Image", type: "text" },
      ...MACHINES(["ResourceConfig"]),
      longest,
      ...count(document.InputDataConfig).map(
        (at): Field => ({
          path: ["InputDataConfig", at, "DataSource", "S3DataSource", "S3Uri"],
          label: `Input: ${String(get(document, ["InputDataConfig", at, "ChannelName"]) ?? at + 1)}`,
          type: "text",
        }),
      ),
      { path: ["OutputDataConfig", "S3OutputPath"], label: "Output path", type: "text" },
      { path: ["HyperParameters"], label: "Hyperparameters", type: "pairs" },
      environment,
    ]
  }
  if (kind === "processing") {
    return [
      { path: ["ProcessingJobName"], label: "Name", type: "text" },
      role,
      { path: ["AppSpecification", "ImageUri"], label: "Image", type: "text" },
      ...MACHINES(["ProcessingResources", "ClusterConfig"]),
      longest,
      ...count(document.ProcessingInputs).map(
        (at): Field => ({
          path: ["ProcessingInputs", at, "S3Input", "S3Uri"],
          label: `Input: ${String(get(document, ["ProcessingInputs", at, "InputName"]) ?? at + 1)}`,
          type: "text",
        }),
      ),
      ...count(get(document, ["ProcessingOutputConfig", "Outputs"])).map(
        (at): Field => ({
          path: ["ProcessingOutputConfig", "Outputs", at, "S3Output", "S3Uri"],
          label: `Output: ${String(get(document, ["ProcessingOutputConfig", "Outputs", at, "OutputName"]) ?? at + 1)}`,
          type: "text",
        }),
      ),
      environment,
    ]
  }
  if (kind === "transform") {
    return [
      { path: ["TransformJobName"], label: "Name", type: "text" },
      { path: ["ModelName"], label: "Model", type: "text" },
      { path: ["TransformInput", "DataSource", "S3DataSource", "S3Uri"], label: "Input", type: "text" },
      { path: ["TransformInput", "ContentType"], label: "Content type", type: "text" },
      { path: ["TransformOutput", "S3OutputPath"], label: "Output path", type: "text" },
      ...INSTANCES(["TransformResources"]),
      environment,
    ]
  }
  if (kind === "glue") {
    return [
      { path: ["Name"], label: "Name", type: "text" },
      { path: ["Role"], label: "Role", type: "text" },
      { path: ["Command", "ScriptLocation"], label: "Script", type: "text" },
      { path: ["Timeout"], label: "May run (min)", type: "number" },
      { path: ["DefaultArguments"], label: "Default arguments", type: "pairs" },
    ]
  }
  const limits = ["HyperParameterTuningJobConfig", "ResourceLimits"]
  const tuning: Field[] = [
    { path: ["HyperParameterTuningJobName"], label: "Name", type: "text" },
    { path: ["HyperParameterTuningJobConfig", "Strategy"], label: "Strategy", type: "text" },
    { path: [...limits, "MaxNumberOfTrainingJobs"], label: "Training jobs in all", type: "number" },
    { path: [...limits, "MaxParallelTrainingJobs"], label: "Training jobs at once", type: "number" },
  ]
  if (!document.TrainingJobDefinition) return tuning
  return [
    ...tuning,
    ...MACHINES(["TrainingJobDefinition", "ResourceConfig"]),
    { path: ["TrainingJobDefinition", "StaticHyperParameters"], label: "Static hyperparameters", type: "pairs" },
  ]
}

const count = (value: Json | undefined): number[] => (Array.isArray(value) ? value.map((_, at) => at) : [])

export function get(document: Json | undefined, path: readonly (string | number)[]): Json | undefined {
  let at: Json | undefined = document
  for (const step of path) {
    if (Array.isArray(at)) at = typeof step === "number" ? at[step] : undefined
    else if (typeof at === "object" && at !== null) at = at[String(step)]
    else return undefined
  }
  return at
}

/** The document with that value; undefined takes the member away. Nothing that was given is changed. */
export function set(document: Doc, path: readonly (string | number)[], value: Json | undefined): Doc {
  return put(document, path, value) as Doc
}

function put(at: Json | undefined, path: readonly (string | number)[], value: Json | undefined): Json | undefined {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === "number") {
    const items = Array.isArray(at) ? [...at] : []
    items[step] = put(items[step], rest, value) ?? null
    return items
  }
  const made: Doc = typeof at === "object" && at !== null && !Array.isArray(at) ? { ...at } : {}
  const next = put(made[step], rest, value)
  if (next === undefined) delete made[step]
  else made[step] = next
  return made
}

export type Pair = { name: string; value: string }

export const pairsOf = (value: Json | undefined): Pair[] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).map(([name, one]) => ({ name, value: typeof one === "string" ? one : JSON.stringify(one) }))
    : []

/** Rows without a name are being typed, and belong to nobody yet. */
export function pairsTo(pairs: readonly Pair[]): Doc | undefined {
  const named = pairs.filter((one) => one.name !== "")
  return named.length ? Object.fromEntries(named.map((one) => [one.name, one.value])) : undefined
}
