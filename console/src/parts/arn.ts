/** Which page of the console shows the thing of an ARN. Pure: links are made of what the wire told. */
import { filesAt } from "./s3"

const PAGES: Record<string, (path: string[]) => string | undefined> = {
  "training-job": ([name]) => name && `/jobs/training/${name}`,
  "processing-job": ([name]) => name && `/jobs/processing/${name}`,
  "transform-job": ([name]) => name && `/jobs/transform/${name}`,
  "hyper-parameter-tuning-job": ([name]) => name && `/jobs/tuning/${name}`,
  model: ([name]) => name && `/models/single/${name}`,
  "model-package-group": ([name]) => name && `/models/${name}`,
  "model-package": ([name, version]) => name && (version ? `/models/${name}/${version}` : `/models/package/${name}`),
  endpoint: ([name]) => name && `/endpoints/${name}`,
  pipeline: ([name, , execution]) => name && `/pipelines/${name}${execution ? `/executions/${execution}` : ""}`,
}

/** The page of the resource; undefined where the console has none. S3 URIs lead to the files. */
export function pageOf(arn: string | undefined): string | undefined {
  if (arn?.startsWith("s3://")) return filesAt(arn)
  const [, , service, , , ...rest] = arn?.split(":") ?? []
  if (service !== "sagemaker") return undefined
  const [kind = "", ...path] = rest.join(":").split("/")
  return PAGES[kind]?.(path) || undefined
}

/** "training-job" of a job's ARN: what kind of resource it names. */
export const kindOfArn = (arn: string): string => arn.split(":").slice(5).join(":").split("/")[0] ?? ""

/** Who an identity is, for people: the user's or role's name, with the session where somebody named it. */
export function identity(arn: string | undefined): string {
  if (!arn) return "–"
  const path = arn.split(":").slice(5).join(":").split("/")
  if (path[0] === "root") return "root"
  if (path[0] === "assumed-role")
    return path[2] && path[2] !== "SageMaker" ? `${path[1]} (${path[2]})` : (path[1] ?? arn)
  return path.at(-1) || arn
}
