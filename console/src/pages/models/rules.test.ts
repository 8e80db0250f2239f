import { expect, test } from "vitest"
import { aliasesOf, decisionsOf, directionByRules, inherited, rulesOf } from "./rules"

const TAGS = {
  "approval:two-persons": "yes",
  "approval:not-author": "no",
  "approval:metric": "accuracy at-least 0.8",
  "approval:metric:cost": "cost below 3",
  "approval:beat-in-service": "auc higher",
  "alias:champion": "3",
  "aws:cloudformation:stack": "x",
  team: "snails",
}

test("rules are told as sentences, and those that are switched off are not", () => {
  expect(rulesOf("cars", TAGS).map((one) => one.words)).toEqual([
    "auc must be higher than that of the version cars-production serves.",
    "accuracy must be at least 0.8.",
    "cost must be below 3.",
    "Two persons must approve.",
  ])
  expect(
    rulesOf("cars", { "approval:beat-in-service": "auc higher", "approval:endpoint": "live" })[0]?.words,
  ).toContain("live")
})

test("a rule says which way is better where the name does not", () => {
  const rules = rulesOf("cars", TAGS)
  expect(directionByRules("metrics.cost", rules)).toBe("lower")
  expect(directionByRules("metrics.accuracy", rules)).toBe("higher")
  expect(directionByRules("metrics.mse", rules)).toBeUndefined()
})

test("aliases, and the tags that a deployment inherits", () => {
  expect(aliasesOf(TAGS)).toEqual([{ name: "champion", version: 3 }])
  expect(inherited(TAGS)).toEqual({ team: "snails" })
})

test("decisions, the newest first", () => {
  const who = "arn:aws:iam::123456789012:user/ada"
  expect(
    decisionsOf({
      "clary:decision-1": `Rejected by ${who} at 2026-11-22T15:06:51.828Z`,
      "clary:decision-2": `Approved by ${who} at 2026-11-22T16:00:00Z: best: on the holdout`,
      "clary:page": "s3://x/y",
    }),
  ).toEqual([
    { number: 2, status: "Approved", by: who, at: new Date("2026-11-22T16:00:00Z"), comment: "best: on the holdout" },
    { number: 1, status: "Rejected", by: who, at: new Date("2026-11-22T15:06:51.828Z"), comment: "" },
  ])
  expect(decisionsOf(undefined)).toEqual([])
})
