import { expect, test } from "vitest"
import { madeRows } from "./origins"

test("what differs between the makings of versions comes first, with digests cut short", () => {
  const rows = madeRows([
    {
      "Parameter.eta": "0.2",
      "Parameter.seed": "1",
      DataHash: "sha256:aaaaaaaaaaaaaaaaaaaa",
      "Metric.rmse": "2",
      Bytes: "9",
    },
    { "Parameter.eta": "0.3", "Parameter.seed": "1", DataHash: "sha256:aaaaaaaaaaaaaaaaaaaa" },
    undefined,
  ])
  expect(rows.map((one) => [one.name, one.differs])).toEqual([
    ["eta", true],
    ["seed", true],
    ["Data", true],
  ])
  const two = madeRows([
    { "Parameter.seed": "1", "Parameter.eta": "0.2", DataHash: "sha256:aaaaaaaaaaaaaaaaaaaa" },
    { "Parameter.seed": "1", "Parameter.eta": "0.3", DataHash: "sha256:aaaaaaaaaaaaaaaaaaaa" },
  ])
  expect(two.map((one) => [one.name, one.values, one.differs])).toEqual([
    ["eta", ["0.2", "0.3"], true],
    ["seed", ["1", "1"], false],
    ["Data", ["aaaaaaaaaaaa", "aaaaaaaaaaaa"], false],
  ])
})
