/** A pipeline's definition as a graph: its parameters, its steps (those in branches too), and what waits for what. */

export type Doc = Record<string, unknown>
export type Scalar = string | number | boolean
export type ParameterType = "String" | "Integer" | "Float" | "Boolean"
export type Parameter = { name: string; type: ParameterType; default: Scalar | undefined; choices: Scalar[] }
export type Branch = "if" | "else"
export type PropertyFile = { name: string; output: string; path: string }

export type Step = {
  name: string
  type: string
  title: string
  description: string
  /** As written, without the steps of its branches. */
  document: Doc
  arguments: Doc
  dependsOn: string[]
  /** The steps whose properties or property files it reads. */
  reads: string[]
  inside: { condition: string; branch: Branch } | undefined
  files: PropertyFile[]
}

export type Edge = {
  id: string
  from: string
  to: string
  /** Reads what the other made, only waits for it, or stands in a branch of it. */
  kind: "data" | "order" | "branch"
  branch: Branch | undefined
  /** There is a longer way from the one to the other, so the order would hold without this edge. */
  implied: boolean
}

export type Definition = { parameters: Parameter[]; steps: Step[]; edges: Edge[] }

const isDoc = (value: unknown): value is Doc => typeof value === "object" && value !== null && !Array.isArray(value)
const docs = (value: unknown): Doc[] => (Array.isArray(value) ? value.filter(isDoc) : [])
const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Throws SyntaxError where it is no JSON. */
export function readDefinition(document: string): Definition {
  const whole: unknown = JSON.parse(document)
  const given = isDoc(whole) ? whole : {}
  const steps = docs(given.Steps).flatMap((one) => stepsOf(one, undefined))
  return { parameters: docs(given.Parameters).map(parameter), steps, edges: edgesOf(steps) }
}

function parameter(given: Doc): Parameter {
  const fallback = given.DefaultValue
  return {
    name: text(given.Name),
    type: (text(given.Type) || "String") as ParameterType,
    default: fallback === null || fallback === undefined ? undefined : (fallback as Scalar),
    choices: Array.isArray(given.EnumValues) ? (given.EnumValues as Scalar[]) : [],
  }
}

function stepsOf(given: Doc, inside: Step["inside"]): Step[] {
  const { IfSteps, ElseSteps, ...own } = isDoc(given.Arguments) ? given.Arguments : {}
  const { Arguments: _, ...rest } = given
  const name = text(given.Name)
  const step: Step = {
    name,
    type: text(given.Type),
    title: text(given.DisplayName) || name,
    description: text(given.Description),
    document: { ...rest, Arguments: own },
    arguments: own,
    dependsOn: Array.isArray(given.DependsOn) ? given.DependsOn.map(text) : [],
    // Its members beside the arguments may read too, for example the baselines of a QualityCheck.
    reads: [...readsOf({ ...rest, Arguments: own })],
    inside,
    files: docs(given.PropertyFiles).map((one) => ({
      name: text(one.PropertyFileName),
      output: text(one.OutputName),
      path: text(one.FilePath),
    })),
  }
  return [
    step,
    ...docs(IfSteps).flatMap((one) => stepsOf(one, { condition: name, branch: "if" })),
    ...docs(ElseSteps).flatMap((one) => stepsOf(one, { condition: name, branch: "else" })),
  ]
}

/** "Steps.prepare.ProcessingOutputConfig..." -> prepare; other references name no step. */
export const stepRead = (reference: string): string | undefined => /^Steps\.([^.[\]]+)/.exec(reference)?.[1]

/** The names of the steps that any expression in the value reads. */
export function readsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const one of value) readsOf(one, found)
  else if (isDoc(value)) {
    const step = typeof value.Get === "string" ? stepRead(value.Get) : undefined
    if (step) found.add(step)
    for (const one of Object.values(value)) readsOf(one, found)
  }
  return found
}

function edgesOf(steps: Step[]): Edge[] {
  const known = new Set(steps.map((one) => one.name))
  const edges: Edge[] = []
  for (const step of steps) {
    const from = new Map<string, Edge["kind"]>()
    for (const one of step.dependsOn) from.set(one, "order")
    for (const one of step.reads) from.set(one, "data")
    if (step.inside) from.set(step.inside.condition, "branch")
    for (const [one, kind] of from) {
      if (!known.has(one) || one === step.name) continue
      const branch = kind === "branch" ? step.inside?.branch : undefined
      edges.push({ id: `${one} > ${step.name}`, from: one, to: step.name, kind, branch, implied: false })
    }
  }
  const next = new Map(steps.map((one) => [one.name, [] as string[]]))
  for (const edge of edges) next.get(edge.from)?.push(edge.to)
  const reach = (from: string, found: Set<string>): Set<string> => {
    for (const one of next.get(from) ?? []) {
      if (found.has(one)) continue
      found.add(one)
      reach(one, found)
    }
    return found
  }
  const below = new Map(steps.map((one) => [one.name, reach(one.name, new Set())]))
  return edges.map((edge) => ({
    ...edge,
    implied: (next.get(edge.from) ?? []).some((one) => one !== edge.to && below.get(one)?.has(edge.to)),
  }))
}

/** What one step waits for directly. */
export const needsOf = (definition: Definition, name: string): Edge[] =>
  definition.edges.filter((one) => one.to === name)
