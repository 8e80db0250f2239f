/** The answer of QueryLineage as a graph for people. Pure: what each entity is called was read before. */
import { kindOfArn, pageOf } from "@/parts/arn"
import { nameOf, words } from "@/parts/format"

/** An entity of the lineage with what Describe tells of it. */
export type Entity = {
  arn: string
  /** What it is: DataSet, Model, TrainingJob, Endpoint ... */
  type: string
  /** The artifact, action, context or trial component itself. */
  kind: string
  /** What it stands for: an S3 URI, an ARN, an image. */
  source: string
  /** What tells this state of it from others: an ETag, a digest. */
  state: string
  status: string
  properties: Record<string, string>
  /** How many files were gathered into this prefix. */
  files?: number | undefined
}
export type Edge = { source: string; target: string; how: string }
export type Lineage = { entities: Entity[]; edges: Edge[] }

/** What a person may hide: things beside the way from data to endpoint. */
export type Show = { files: boolean; code: boolean; images: boolean; decisions: boolean; groups: boolean }
export const PLAIN: Show = { files: false, code: true, images: false, decisions: false, groups: false }

const HIDDEN: [Exclude<keyof Show, "files">, (entity: Entity) => boolean][] = [
  ["code", (one) => one.type === "Code"],
  ["images", (one) => one.type === "Image"],
  ["decisions", (one) => one.type === "Approval"],
  ["groups", (one) => ["ModelGroup", "PipelineExecution", "HyperParameterTuningJob"].includes(one.type)],
]

/** The graph without what is hidden. All of that stands at its rim, so nothing is cut in two. */
export function shown(whole: Lineage, show: Show): Lineage {
  const lineage = show.files ? whole : gathered(whole)
  const hidden = new Set(
    lineage.entities.filter((one) => HIDDEN.some(([name, is]) => !show[name] && is(one))).map((one) => one.arn),
  )
  const entities = lineage.entities.filter((one) => !hidden.has(one.arn))
  return { entities, edges: lineage.edges.filter((one) => !hidden.has(one.source) && !hidden.has(one.target)) }
}

/** Files that stand for nothing but a part of a prefix are gathered into it: who made them made it. */
export function gathered({ entities, edges }: Lineage): Lineage {
  const by = new Map(entities.map((one) => [one.arn, one]))
  const into = new Map<string, string>()
  for (const { source, target } of edges) {
    const [file, prefix] = [by.get(source), by.get(target)]
    if (file && prefix && isPart(file.source, prefix.source)) into.set(source, target)
  }
  const end = (arn: string): string => {
    let here = arn
    for (let steps = 0; into.has(here) && steps < into.size; steps++) here = into.get(here) ?? here
    return here
  }
  const files = new Map<string, number>()
  for (const file of into.keys()) files.set(end(file), (files.get(end(file)) ?? 0) + 1)
  return {
    entities: entities
      .filter((one) => !into.has(one.arn))
      .map((one) => (files.has(one.arn) ? { ...one, files: files.get(one.arn) } : one)),
    edges: edges
      .map((one) => ({ ...one, source: end(one.source), target: end(one.target) }))
      .filter((one) => one.source !== one.target),
  }
}

const isPart = (file: string, prefix: string): boolean =>
  prefix.startsWith("s3://") && file !== prefix && file.startsWith(`${prefix.replace(/\/+$/, "")}/`)

/** Without the edges that only repeat a longer way: who follows the arrows misses nothing, and sees fewer of them. */
export function reduced({ entities, edges }: Lineage): Lineage {
  const next = new Map<string, Set<string>>()
  for (const one of edges) {
    if (one.source === one.target) continue
    next.set(one.source, (next.get(one.source) ?? new Set()).add(one.target))
  }
  const reaches = (from: string, to: string): boolean => {
    // A way of two or more steps: from any other neighbour.
    const seen = new Set<string>([from])
    const waiting = [...(next.get(from) ?? [])].filter((one) => one !== to)
    while (waiting.length) {
      const here = waiting.pop() ?? ""
      if (here === to) return true
      if (seen.has(here)) continue
      seen.add(here)
      waiting.push(...(next.get(here) ?? []))
    }
    return false
  }
  const kept: Edge[] = []
  const drawn = new Set<string>()
  for (const one of edges) {
    const key = `${one.source} ${one.target}`
    if (one.source === one.target || drawn.has(key)) continue
    // In a circle every edge repeats a longer way: those are all kept.
    if (reaches(one.source, one.target) && !reachesBack(next, one.target, one.source)) continue
    drawn.add(key)
    kept.push(one)
  }
  return { entities, edges: kept }
}

function reachesBack(next: Map<string, Set<string>>, from: string, to: string): boolean {
  const seen = new Set<string>()
  const waiting = [from]
  while (waiting.length) {
    const here = waiting.pop() ?? ""
    if (here === to) return true
    if (seen.has(here)) continue
    seen.add(here)
    waiting.push(...(next.get(here) ?? []))
  }
  return false
}

const TITLES: Record<string, string> = {
  DataSet: "Data",
  Code: "Code",
  Model: "Model data",
  Checkpoint: "Checkpoint",
  Image: "Image",
  ModelPackage: "Version",
  SageMakerModel: "Model",
  ModelDeployment: "Deployment",
  Approval: "Decision",
  ModelGroup: "Group",
  PipelineExecution: "Pipeline run",
  HyperParameterTuningJob: "Tuning job",
  Endpoint: "Endpoint",
}

export const titleOf = (entity: Entity): string => TITLES[entity.type] ?? words(entity.type)

/** What it is called, as short as a person knows it by. */
export function calledOf(entity: Entity): string {
  const { source, type, properties } = entity
  if (type === "Approval") {
    const status = properties.ModelApprovalStatus
    return status ? words(status) : nameOf(entity.arn)
  }
  if (type === "ModelDeployment") return properties.EndpointConfigName ?? nameOf(entity.arn)
  if (type === "ModelPackage" && kindOfArn(source) === "model-package")
    return source.split(":model-package/")[1] ?? source
  if (source.startsWith("s3://")) {
    const parts = source.replace(/\/+$/, "").split("/")
    const last = parts.at(-1) ?? source
    // A generic last word (output, train) says little without the one before it.
    return parts.length > 4 && !last.includes(".") ? parts.slice(-2).join("/") : last
  }
  return nameOf(source) || nameOf(entity.arn)
}

/** The console's page of the thing itself; undefined: none. */
export function placeOf(entity: Entity): string | undefined {
  return pageOf(entity.source)
}

/** In the order of the arrows: what something is made of comes before it. Circles do not hang. */
export function inOrder({ entities, edges }: Lineage): Entity[] {
  const before = new Map(entities.map((one) => [one.arn, new Set<string>()]))
  for (const { source, target } of edges) if (before.has(source) && source !== target) before.get(target)?.add(source)
  const left = [...entities]
  const done = new Set<string>()
  const found: Entity[] = []
  while (left.length) {
    const at = left.findIndex((one) => [...(before.get(one.arn) ?? [])].every((other) => done.has(other)))
    const [one] = left.splice(Math.max(0, at), 1)
    if (!one) break
    done.add(one.arn)
    found.push(one)
  }
  return found
}
