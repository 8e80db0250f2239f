import { describe, expect, it } from "vitest"
import { newestFirst, shortReason, withoutParts } from "./failures"
import { machineOf } from "./machine"
import { goingEndpoints, goingGlue, goingRuns } from "./running"
import { MINUTES, trafficOf } from "./traffic"

const at = (ms: number) => new Date(ms)

describe("traffic", () => {
  const start = 3_600_000

  it("is a value for each minute, and nothing where nothing was told", () => {
    const told = [
      { Id: "r1", Timestamps: [at(start + 120_000), at(start)], Values: [5, 2] },
      { Id: "p1", Timestamps: [at(start)], Values: [12_500] },
      { Id: "s1", Values: [1] },
      { Id: "r0", Timestamps: [at(start)], Values: [99] },
    ]
    const seen = trafficOf(told, 1, start)
    expect(seen.requests).toHaveLength(MINUTES)
    expect(seen.requests.slice(0, 4)).toEqual([2, undefined, 5, undefined])
    expect(seen).toMatchObject({ total: 7, p99: 12.5, failed: 1 })
  })

  it("is not known where nothing was told at all", () => {
    const seen = trafficOf([], 0, start)
    expect([seen.total, seen.p99, seen.failed]).toEqual([undefined, undefined, undefined])
  })
})

describe("the machine", () => {
  it("is told by the newest values", () => {
    const seen = machineOf([
      { Id: "disk", Label: "/", Values: [62, 61] },
      { Id: "free", Label: "/", Values: [1_000] },
      { Id: "memory", Label: "a", Values: [10] },
      { Id: "memory", Label: "b", Values: [40] },
    ])
    expect(seen).toEqual({ disks: [{ where: "/", percent: 62, free: 1_000 }], memory: 40, cpu: undefined })
  })
})

describe("what failed", () => {
  it("is told newest first", () => {
    expect(newestFirst([{ when: at(1) }, {}, { when: at(3) }]).map((one) => one.when?.getTime())).toEqual([
      3,
      1,
      undefined,
    ])
  })

  it("is told once: not the job that a run of a pipeline fell by", () => {
    const both = [{ arn: "run", job: "job" }, { arn: "job" }, { arn: "other" }]
    expect(withoutParts(both).map((one) => one.arn)).toEqual(["run", "other"])
  })

  it("fits in a line", () => {
    expect(shortReason("\n bad column\nmore")).toBe("bad column")
    expect(shortReason("It ended with 1. Its last lines:\na\n  no such column\n")).toBe(
      "It ended with 1. Its last lines: no such column",
    )
    expect(shortReason("")).toBe("")
  })
})

describe("what runs", () => {
  it("is what has not ended", () => {
    const run = (PipelineExecutionStatus: "Executing" | "Succeeded") => ({
      PipelineArn: "arn:aws:sagemaker:r:1:pipeline/p",
      PipelineExecutionArn: "arn:aws:sagemaker:r:1:pipeline/p/execution/e",
      PipelineExecutionStatus,
    })
    expect(goingRuns([run("Executing"), run("Succeeded")])).toMatchObject([{ to: "/pipelines/p/executions/e" }])
    const endpoint = (EndpointStatus: "Updating" | "InService" | "Failed") => ({
      EndpointName: EndpointStatus,
      EndpointArn: "",
      EndpointStatus,
      CreationTime: at(0),
      LastModifiedTime: at(0),
    })
    const seen = goingEndpoints([endpoint("Updating"), endpoint("InService"), endpoint("Failed")])
    expect(seen.map((one) => one.name)).toEqual(["Updating"])
    const [waits] = goingGlue([{ Id: "jr", JobName: "j", JobRunState: "WAITING" }])
    expect(waits).toMatchObject({ to: "/jobs/glue/j/jr", waits: { why: "" } })
  })
})
