import { expect, test } from "vitest"
import { drawable, extent, layout } from "./layout"

const box = (id: string) => ({ id, width: 100, height: 40 })

test("what is made of something stands to its right, and no two overlap", async () => {
  const nodes = ["raw", "train", "test", "model"].map(box)
  const edges = [
    { id: "1", source: "raw", target: "train" },
    { id: "2", source: "raw", target: "test" },
    { id: "3", source: "train", target: "model" },
  ]
  const places = await layout(nodes, edges)
  const at = (id: string) => places[id] ?? { x: Number.NaN, y: Number.NaN }
  expect(at("train").x).toBeGreaterThanOrEqual(at("raw").x + 100)
  expect(at("model").x).toBeGreaterThanOrEqual(at("train").x + 100)
  expect(Math.abs(at("train").y - at("test").y)).toBeGreaterThanOrEqual(40)
  expect(extent(nodes, places).width).toBeGreaterThanOrEqual(300)
})

test("downwards, with a circle", async () => {
  const places = await layout(
    [box("a"), box("b")],
    [
      { id: "1", source: "a", target: "b" },
      { id: "2", source: "b", target: "a" },
    ],
    "DOWN",
  )
  expect(Math.abs((places.b?.y ?? 0) - (places.a?.y ?? 0))).toBeGreaterThanOrEqual(40)
})

test("arrows that lead out of the graph, and second ones of a name, are left out", async () => {
  const edges = [
    { id: "1", source: "a", target: "gone" },
    { id: "2", source: "a", target: "b" },
    { id: "2", source: "b", target: "a" },
  ]
  expect(drawable([box("a"), box("b")], edges)).toEqual([edges[1]])
  expect(await layout([], edges)).toEqual({})
})
