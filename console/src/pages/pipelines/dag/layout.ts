/** Where the steps of a definition stand, by ELK's layered layout. Loaded with the first graph that is drawn. */
import type { ELK, ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api"
import type { Definition } from "../definition"

export const NODE = { width: 216, height: 74 }
export type Direction = "RIGHT" | "DOWN"
export type Point = { x: number; y: number }
export type Layout = {
  direction: Direction
  width: number
  height: number
  nodes: ReadonlyMap<string, Point>
  edges: ReadonlyMap<string, { points: Point[]; label: Point | undefined }>
}

const LABEL = { width: 40, height: 20 }
let elk: Promise<ELK> | undefined

const engine = (): Promise<ELK> => {
  elk ??= import("elkjs/lib/elk.bundled.js").then(({ default: Elk }) => new Elk())
  return elk
}

export async function layout(definition: Definition, direction: Direction): Promise<Layout> {
  const graph: ElkNode = {
    id: "pipeline",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.edgeRouting": "ORTHOGONAL",
      "elk.layered.spacing.nodeNodeBetweenLayers": "44",
      "elk.spacing.nodeNode": "28",
      "elk.spacing.edgeNode": "18",
      "elk.spacing.edgeEdge": "12",
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      // Steps stand in the order of the definition where nothing else decides, so that the picture is always the same.
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.padding": "[top=8,left=8,bottom=8,right=8]",
    },
    children: definition.steps.map((one) => ({ id: one.name, ...NODE })),
    edges: definition.edges.map((one) => ({
      id: one.id,
      sources: [one.from],
      targets: [one.to],
      labels: one.branch ? [{ text: one.branch, ...LABEL, layoutOptions: { "elk.edgeLabels.inline": "true" } }] : [],
    })),
  }
  const found = await (await engine()).layout(graph)
  return {
    direction,
    width: found.width ?? 0,
    height: found.height ?? 0,
    nodes: new Map((found.children ?? []).map(({ id, x = 0, y = 0 }) => [id, { x, y }])),
    edges: new Map((found.edges ?? []).map((one) => [one.id, way(one)])),
  }
}

function way(edge: ElkExtendedEdge): { points: Point[]; label: Point | undefined } {
  const points = (edge.sections ?? []).flatMap((one) => [one.startPoint, ...(one.bendPoints ?? []), one.endPoint])
  const label = edge.labels?.[0]
  const middle = label && { x: (label.x ?? 0) + (label.width ?? 0) / 2, y: (label.y ?? 0) + (label.height ?? 0) / 2 }
  return { points, label: middle }
}

/** A line through the points, with round corners. */
export function rounded(points: readonly Point[], radius = 8): string {
  const [first, ...rest] = points
  if (!first) return ""
  let drawn = `M${first.x} ${first.y}`
  let before = first
  rest.forEach((here, at) => {
    const after = rest[at + 1]
    if (after) {
      const r = Math.min(radius, distance(before, here) / 2, distance(here, after) / 2)
      const [a, b] = [towards(here, before, r), towards(here, after, r)]
      drawn += `L${a.x} ${a.y}Q${here.x} ${here.y} ${b.x} ${b.y}`
    } else drawn += `L${here.x} ${here.y}`
    before = here
  })
  return drawn
}

const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y)

function towards(from: Point, to: Point, far: number): Point {
  const whole = distance(from, to) || 1
  return { x: from.x + ((to.x - from.x) * far) / whole, y: from.y + ((to.y - from.y) * far) / whole }
}

/** How much of its size a layout keeps in a box of that width, and of that height at most. */
export const scaleIn = (one: Pick<Layout, "width" | "height">, width: number, height: number): number =>
  Math.min(1, width / (one.width || 1), height / (one.height || 1))

/** The direction in which the steps are drawn largest; from left to right where it makes no difference. */
export function better(right: Layout, down: Layout, width: number, height: number): Layout {
  return scaleIn(right, width, height) * 1.1 >= scaleIn(down, width, height) ? right : down
}
