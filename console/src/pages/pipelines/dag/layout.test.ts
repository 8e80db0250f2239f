import { describe, expect, it } from "vitest"
import { readDefinition } from "../definition"
import { better, type Layout, layout, NODE, rounded, scaleIn } from "./layout"

const of = (width: number, height: number, direction: Layout["direction"]): Layout => ({
  direction,
  width,
  height,
  nodes: new Map(),
  edges: new Map(),
})

describe("the layout of a graph", () => {
  it("sets what waits behind what it waits for, with room for the words of a branch", async () => {
    const definition = readDefinition(
      JSON.stringify({
        Steps: [
          { Name: "a", Type: "Processing", Arguments: {} },
          {
            Name: "ask",
            Type: "Condition",
            DependsOn: ["a"],
            Arguments: { IfSteps: [{ Name: "yes", Type: "Fail", Arguments: {} }], ElseSteps: [] },
          },
        ],
      }),
    )
    const right = await layout(definition, "RIGHT")
    const x = (name: string) => right.nodes.get(name)?.x ?? Number.NaN
    expect(x("ask")).toBeGreaterThan(x("a") + NODE.width)
    expect(x("yes")).toBeGreaterThan(x("ask") + NODE.width)
    expect(right.edges.get("a > ask")?.label).toBeUndefined()
    expect(right.edges.get("ask > yes")?.label?.x).toBeGreaterThan(x("ask") + NODE.width)
    expect(right.edges.get("a > ask")?.points.length).toBeGreaterThanOrEqual(2)
  })

  it("is chosen by how large it is drawn", () => {
    expect(scaleIn({ width: 2_000, height: 100 }, 1_000, 500)).toBe(0.5)
    expect(better(of(2_000, 100, "RIGHT"), of(300, 600, "DOWN"), 1_000, 600).direction).toBe("DOWN")
    expect(better(of(900, 100, "RIGHT"), of(300, 600, "DOWN"), 1_000, 600).direction).toBe("RIGHT")
  })

  it("draws round corners", () => {
    expect(rounded([])).toBe("")
    expect(
      rounded([
        { x: 0, y: 0 },
        { x: 20, y: 0 },
        { x: 20, y: 20 },
      ]),
    ).toBe("M0 0L12 0Q20 0 20 8L20 20")
  })
})
