/**
 * From what Describe answers of a job to a request that makes another like it. For each member of the request the table
 * of its kind says where it comes from; a member that the SDK learns later does not compile until it stands here.
 */
import type { CreateJobRequest } from "@aws-sdk/client-glue"
import type {
  CreateHyperParameterTuningJobRequest,
  CreateProcessingJobRequest,
  CreateTrainingJobRequest,
  CreateTransformJobRequest,
} from "@aws-sdk/client-sagemaker"
import type { Kind } from "../reads"

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
/** Glue's jobs are definitions that run; all others run as they are made. */
export type Cloneable = Kind | "glue"

export type Doc = { [name: string]: Json }

/** described: Describe answers it; name, tags: made anew; hidden: Describe does not tell it, so it cannot be cloned. */
type From = "described" | "name" | "tags" | "hidden"
type Table<R> = Record<keyof R, From>

const TRAINING: Table<CreateTrainingJobRequest> = {
  TrainingJobName: "name",
  AlgorithmSpecification: "described",
  RoleArn: "described",
  HyperParameters: "described",
  InputDataConfig: "described",
  OutputDataConfig: "described",
  ResourceConfig: "described",
  StoppingCondition: "described",
  Environment: "described",
  CheckpointConfig: "described",
  RetryStrategy: "described",
  EnableManagedSpotTraining: "described",
  EnableNetworkIsolation: "described",
  EnableInterContainerTrafficEncryption: "described",
  VpcConfig: "described",
  ExperimentConfig: "described",
  DebugHookConfig: "described",
  DebugRuleConfigurations: "described",
  TensorBoardOutputConfig: "described",
  ProfilerConfig: "described",
  ProfilerRuleConfigurations: "described",
  RemoteDebugConfig: "described",
  InfraCheckConfig: "described",
  ServerlessJobConfig: "described",
  MlflowConfig: "described",
  ModelPackageConfig: "described",
  SessionChainingConfig: "hidden",
  Tags: "tags",
}

const PROCESSING: Table<CreateProcessingJobRequest> = {
  ProcessingJobName: "name",
  AppSpecification: "described",
  RoleArn: "described",
  ProcessingInputs: "described",
  ProcessingOutputConfig: "described",
  ProcessingResources: "described",
  StoppingCondition: "described",
  Environment: "described",
  NetworkConfig: "described",
  ExperimentConfig: "described",
  Tags: "tags",
}

const TRANSFORM: Table<CreateTransformJobRequest> = {
  TransformJobName: "name",
  ModelName: "described",
  TransformInput: "described",
  TransformOutput: "described",
  TransformResources: "described",
  MaxConcurrentTransforms: "described",
  ModelClientConfig: "described",
  MaxPayloadInMB: "described",
  BatchStrategy: "described",
  Environment: "described",
  DataCaptureConfig: "described",
  DataProcessing: "described",
  ExperimentConfig: "described",
  Tags: "tags",
}

const TUNING: Table<CreateHyperParameterTuningJobRequest> = {
  HyperParameterTuningJobName: "name",
  HyperParameterTuningJobConfig: "described",
  TrainingJobDefinition: "described",
  TrainingJobDefinitions: "described",
  WarmStartConfig: "described",
  Autotune: "described",
  Tags: "tags",
}

const GLUE: Table<CreateJobRequest> = {
  Name: "name",
  Description: "described",
  Role: "described",
  Command: "described",
  DefaultArguments: "described",
  NonOverridableArguments: "described",
  WorkerType: "described",
  NumberOfWorkers: "described",
  MaxCapacity: "described",
  AllocatedCapacity: "hidden", // the old name of MaxCapacity: both at once are refused
  GlueVersion: "described",
  Timeout: "described",
  MaxRetries: "described",
  ExecutionProperty: "described",
  JobMode: "described",
  JobRunQueuingEnabled: "described",
  ExecutionClass: "described",
  LogUri: "described",
  Connections: "described",
  NotificationProperty: "described",
  SecurityConfiguration: "described",
  CodeGenConfigurationNodes: "described",
  SourceControlDetails: "described",
  MaintenanceWindow: "described",
  Tags: "tags",
}

export const TABLES: Record<Cloneable, Record<string, From>> = {
  training: TRAINING,
  processing: PROCESSING,
  transform: TRANSFORM,
  tuning: TUNING,
  glue: GLUE,
}

export const nameMember = (kind: Cloneable): string =>
  Object.entries(TABLES[kind]).find(([, from]) => from === "name")?.[0] ?? ""

/** Hyperparameters that a tuning job adds by itself, and the tags that a pipeline or AWS puts on what it makes. */
const ADDED = new Set(["_tuning_objective_metric"])
const madeByOthers = (key: string) => key.startsWith("aws:") || key.startsWith("sagemaker:pipeline-")

/** The built-in images bring these themselves; what Describe tells of them is no wish of the job's maker. */
const BUILT_IN = /\/(sagemaker-xgboost|xgboost|linear-learner|kmeans|factorization-machines)(:|@|$)/

export function cloned(
  kind: Cloneable,
  described: object,
  tags: readonly { key: string; value: string }[],
  name: string,
): Doc {
  const told: Doc = JSON.parse(JSON.stringify(described)) // dates among members that are cloned: there are none
  const made: Doc = {}
  for (const [member, from] of Object.entries(TABLES[kind])) {
    if (from === "name") made[member] = name
    else if (from === "tags") {
      const own = tags.filter((one) => !madeByOthers(one.key))
      if (own.length === 0) continue
      made[member] =
        kind === "glue"
          ? Object.fromEntries(own.map((one) => [one.key, one.value]))
          : own.map((one) => ({ Key: one.key, Value: one.value }))
    } else if (from === "described") {
      const value = tidy(told[member])
      if (value !== undefined) made[member] = value
    }
  }
  if (made.WorkerType !== undefined) delete made.MaxCapacity // what its workers amount to; Glue takes one of them
  if (kind === "training" && object(made.HyperParameters)) without(made.HyperParameters)
  for (const one of [made, made.TrainingJobDefinition, ...list(made.TrainingJobDefinitions)]) {
    if (!object(one)) continue
    if (object(one.StaticHyperParameters)) without(one.StaticHyperParameters)
    const algorithm = one.AlgorithmSpecification
    if (object(algorithm) && BUILT_IN.test(String(algorithm.TrainingImage)) && !program(one))
      delete algorithm.MetricDefinitions
  }
  return made
}

const object = (value: Json | undefined): value is Doc =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

function without(parameters: Doc): void {
  for (const name of ADDED) delete parameters[name]
}

/** A program of one's own in such an image has metrics of its own. */
function program(job: Doc): boolean {
  return [job.HyperParameters, job.StaticHyperParameters].some((one) => object(one) && "sagemaker_program" in one)
}

/** Describe fills in empty keys ("KmsKeyId": "") and empty lists; asking for them would say what nobody asked for. */
function tidy(value: Json | undefined): Json | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value.length ? value.map((one) => tidy(one) ?? "") : undefined
  if (typeof value !== "object") return value
  const kept = Object.entries(value).flatMap(([name, one]): [string, Json][] => {
    if (one === "" && /Kms\w*Id$|Arn$/.test(name)) return []
    const tidied = tidy(one)
    return tidied === undefined ? [] : [[name, tidied]]
  })
  return kept.length || Object.keys(value).length === 0 ? Object.fromEntries(kept) : undefined
}

const LONGEST: Record<Cloneable, number> = { training: 63, processing: 63, transform: 63, tuning: 32, glue: 255 }

/** The old name with the time behind it (in place of an older clone's), never longer than AWS takes. */
export function nextName(kind: Cloneable, name: string, now: Date): string {
  const stamp = now.toISOString().replace(/\D/g, "").slice(4, 14) // MMDDhhmmss
  const base = name.replace(/-\d{10}$/, "").slice(0, LONGEST[kind] - stamp.length - 1)
  return `${base.replace(/-+$/, "")}-${stamp}`
}

/** What is wrong with the document before it is sent: a sentence, or none. */
export function wrong(kind: Cloneable, document: Doc): string | undefined {
  const member = nameMember(kind)
  const name = document[member]
  if (typeof name !== "string" || name === "") return `${member} is missing.`
  if (kind !== "glue" && !/^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/.test(name))
    return `${member} may have letters, digits and hyphens between them.`
  if (name.length > LONGEST[kind]) return `${member} may have ${LONGEST[kind]} characters; it has ${name.length}.`
  const unknown = Object.keys(document).filter((one) => !(one in TABLES[kind]))
  if (unknown.length) return `The request has no ${unknown.length === 1 ? "member" : "members"} ${unknown.join(", ")}.`
  return undefined
}
