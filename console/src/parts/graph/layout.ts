/**
 * Where the nodes of a directed graph stand: ELK's layered layout. ELK is large and is loaded by the first graph.
 *
 *     const places = await layout([{ id: "a", width: 200, height: 60 }, ...], [{ id: "1", source: "a", target: "b" }])
 */
export type Box = { id: string; width: number; height: number }
export type Arrow = { id: string; source: string; target: string }
/** Which way the arrows point. */
export type Direction = "RIGHT" | "DOWN"
export type Places = Record<string, { x: number; y: number }>

/** Arrows whose ends are both there, each once: ELK refuses the others, and a page may know a part of a graph only. */
export function drawable(nodes: readonly Box[], edges: readonly Arrow[]): Arrow[] {
  const known = new Set(nodes.map((one) => one.id))
  const seen = new Set<string>()
  return edges.filter((one) => {
    if (seen.has(one.id) || !known.has(one.source) || !known.has(one.target)) return false
    seen.add(one.id)
    return true
  })
}

/** The upper left corner of every node. Cycles are allowed. */
export async function layout(
  nodes: readonly Box[],
  edges: readonly Arrow[],
  direction: Direction = "RIGHT",
): Promise<Places> {
  if (nodes.length === 0) return {}
  const { default: Elk } = await import("elkjs/lib/elk.bundled.js")
  const done = await new Elk().layout({
    id: "graph",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.layered.spacing.nodeNodeBetweenLayers": direction === "DOWN" ? "48" : "64",
      "elk.spacing.nodeNode": "24",
      "elk.spacing.componentComponent": "40",
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      // What is given first stands first where nothing else decides: a picture does not jump between two looks.
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    },
    children: nodes.map(({ id, width, height }) => ({ id, width, height })),
    edges: drawable(nodes, edges).map(({ id, source, target }) => ({ id, sources: [source], targets: [target] })),
  })
  return Object.fromEntries((done.children ?? []).map((one) => [one.id, { x: one.x ?? 0, y: one.y ?? 0 }]))
}

/** The size of what is drawn. */
export function extent(nodes: readonly Box[], places: Places): { width: number; height: number } {
  const [right, bottom] = [0, 0].map((_, axis) =>
    Math.max(
      0,
      ...nodes.map((one) => {
        const at = places[one.id]
        return at === undefined ? 0 : axis === 0 ? at.x + one.width : at.y + one.height
      }),
    ),
  )
  return { width: right ?? 0, height: bottom ?? 0 }
}
