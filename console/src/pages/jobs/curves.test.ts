import { describe, expect, it } from "vitest"
import { curves, definitions, families, thinned } from "./curves"

const line = (text: string, at = 0, stream = "job/algo-1-1") => ({ text, at, stream })

describe("curves", () => {
  const wanted = definitions([
    { Name: "train:rmse", Regex: "#011train-rmse:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?)" },
    { Name: "validation:rmse", Regex: "#011validation-rmse:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?)" },
    { Name: "never", Regex: "never=(.*)" },
  ])

  it("are every value that the lines told, in their order", () => {
    const found = curves(
      [line("[0]#011train-rmse:9.5#011validation-rmse:1e1", 1), line("nothing"), line("[1]#011train-rmse:-.25", 2)],
      wanted,
    )
    expect(found.map((one) => [one.name, one.values.map(({ value }) => value)])).toEqual([
      ["train:rmse", [9.5, -0.25]],
      ["validation:rmse", [10]],
    ])
    expect(found[0]?.values[1]?.at).toBe(2)
  })

  it("leave out what is no number", () => {
    expect(curves([line("never=soon"), line("never=nan"), line("never=")], wanted)).toEqual([])
  })

  it("leave an expression that the browser does not know to CloudWatch", () => {
    expect(
      definitions([
        { Name: "a", Regex: "(?P<v>x" },
        { Name: "b", Regex: "b=(.)" },
      ]).map((one) => one.name),
    ).toEqual(["b"])
  })
})

it("one chart shows what is the same thing on several data", () => {
  expect(families(["train:loss", "validation:loss", "train:auc", "epoch_time"])).toEqual([
    ["loss", ["train:loss", "validation:loss"]],
    ["auc", ["train:auc"]],
    ["epoch_time", ["epoch_time"]],
  ])
})

it("a long curve keeps its ends", () => {
  const values = Array.from({ length: 10_000 }, (_, at) => at)
  const kept = thinned(values, 500)
  expect(kept).toHaveLength(500)
  expect([kept[0], kept.at(-1)]).toEqual([0, 9_999])
  expect(thinned([1, 2], 500)).toEqual([1, 2])
})
