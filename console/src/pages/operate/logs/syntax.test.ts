import { expect, it } from "vitest"
import { writerAt } from "./place"
import { kept } from "./retention"
import { EXAMPLES, unfolded } from "./syntax"

it("shows an example that matches and one that does not of each kind", () => {
  expect(new Set(EXAMPLES.map((one) => one.kind)).size).toBe(EXAMPLES.length)
  for (const one of EXAMPLES) expect(one.matches.length * one.misses.length).toBeGreaterThan(0)
})

it("unfolds what is JSON, and leaves the rest", () => {
  expect(unfolded('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
  for (const text of ["[1, broken", "ERROR {", "200"]) expect(unfolded(text)).toBe(text)
})

it("knows who wrote a stream", () => {
  expect(writerAt("/aws/sagemaker/TrainingJobs", "cars-1/algo-1-1")).toBe("/jobs/training/cars-1")
  expect(writerAt("/aws/sagemaker/Endpoints/cars", "AllTraffic/i-1")).toBe("/endpoints/cars")
  expect(writerAt("/shop/web", "berlin")).toBeUndefined()
})

it("says days as people do", () => {
  expect([undefined, 1, 30, 365, 400, 731, 3653].map(kept)).toEqual([
    "For ever",
    "1 day",
    "30 days",
    "1 year",
    "400 days",
    "2 years",
    "10 years",
  ])
})
