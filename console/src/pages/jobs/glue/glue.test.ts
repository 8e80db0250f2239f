import { expect, it } from "vitest"
import { capacity, remembers, shortRun } from "./reads"
import { changed } from "./start-run"
import { fires } from "./triggers"

it("a run asks only for what differs from the job's own arguments", () => {
  const rows = [
    { name: "--day", value: "2026-11-22" },
    { name: "--rows", value: "5" },
    { name: "", value: "nothing" },
  ]
  expect(changed({ "--day": "2026-11-22", "--rows": "10" }, rows)).toEqual({ "--rows": "5" })
})

it("triggers say when they fire", () => {
  expect(fires({ Type: "SCHEDULED", Schedule: "cron(0 3 * * ? *)" })).toBe("cron(0 3 * * ? *) (UTC)")
  expect(fires({ Type: "ON_DEMAND" })).toBe("when it is started")
  const Predicate = {
    Logical: "ANY" as const,
    Conditions: [
      { JobName: "load", State: "SUCCEEDED" as const },
      { CrawlerName: "lake", CrawlState: "FAILED" as const },
    ],
  }
  expect(fires({ Type: "CONDITIONAL", Predicate })).toBe("when load has succeeded or the crawler lake has failed")
})

it("runs and workers are told in short", () => {
  expect(shortRun("jr_96f607f85ed4ab382e9e633548b6b001_attempt_1")).toBe("jr_96f607f85ed4…_attempt_1")
  expect(shortRun("jr_1")).toBe("jr_1")
  expect(capacity({ WorkerType: "G.1X", NumberOfWorkers: 2 })).toBe("2 × G.1X")
  expect(capacity({ MaxCapacity: 0.0625 })).toBe("0.0625 DPU")
  expect([undefined, "job-bookmark-disable", "job-bookmark-enable"].map(remembers)).toEqual([false, false, true])
})
