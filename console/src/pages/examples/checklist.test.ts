import { describe, expect, it } from "vitest"
import { checklist, doneOf, moves } from "./checklist"
import type { Found } from "./found"

const NOTHING: Found = {
  things: [],
  files: { there: 0, of: 0, bytes: 0 },
  pipeline: false,
  steps: { over: 0, now: [] },
  versions: [],
  endpoints: [],
}
const STARTED: Found = {
  ...NOTHING,
  name: "cars",
  bucket: "b",
  files: { there: 4, of: 4, bytes: 1_000 },
  pipeline: true,
}
const RUN = "arn:aws:sagemaker:r:1:pipeline/cars/execution/abc"
const states = (found: Found | undefined, doing = "") => checklist(found, doing).map((one) => one.state)
const when = new Date(0)
const version = (
  ModelPackageVersion: number,
  ModelApprovalStatus: "Approved" | "Rejected" | "PendingManualApproval",
) => ({
  ModelPackageArn: "",
  ModelPackageGroupName: "cars",
  ModelPackageVersion,
  ModelApprovalStatus,
  ModelPackageStatus: "Completed" as const,
  CreationTime: when,
})
const endpoint = (EndpointStatus: "InService" | "Creating" | "Failed") => ({
  EndpointName: "e",
  EndpointArn: "",
  EndpointStatus,
  CreationTime: when,
  LastModifiedTime: when,
})

describe("the checklist", () => {
  it("begins with nothing done and nothing to wait for", () => {
    expect(states(undefined)).toEqual(Array(8).fill("later"))
    expect(states(NOTHING)).toEqual(Array(8).fill("later"))
  })

  it("says what this tab makes at the first line that is not done", () => {
    const items = checklist(NOTHING, "Making a bucket")
    expect(items[0]).toMatchObject({ state: "now", detail: "Making a bucket" })
    expect(states(STARTED, "Starting the pipeline").slice(0, 4)).toEqual(["done", "done", "now", "later"])
  })

  it("asks for another start where the first was interrupted", () => {
    const [first] = checklist({ ...STARTED, files: { there: 1, of: 4, bytes: 10 } })
    expect(first).toMatchObject({ state: "you", detail: "1 of 4 files: start it again to go on" })
  })

  it("follows the run, and says why it failed", () => {
    const execution = { PipelineExecutionArn: RUN, PipelineExecutionStatus: "Executing" as const }
    const going = { ...STARTED, execution, steps: { over: 1, now: ["train"] } }
    expect(checklist(going)[2]).toMatchObject({
      state: "now",
      detail: "1 step done, now train",
      link: { to: "/pipelines/cars/executions/abc" },
    })
    expect(moves(checklist(going))).toBe(true)
    const failed = {
      ...STARTED,
      execution: { ...execution, PipelineExecutionStatus: "Failed" as const },
      steps: { over: 2, now: [], failed: { name: "gate", why: "too bad" } },
    }
    expect(checklist(failed)[2]).toMatchObject({ state: "failed", detail: "It failed. gate: too bad" })
    expect(moves(checklist(failed))).toBe(false)
  })

  it("waits for the approval, and takes any version that has it", () => {
    expect(checklist({ ...STARTED, versions: [version(1, "PendingManualApproval")] })[4]).toMatchObject({
      state: "you",
      link: { to: "/models/cars/1" },
    })
    expect(checklist({ ...STARTED, versions: [version(1, "Rejected")] })[4]?.state).toBe("failed")
    const two = checklist({ ...STARTED, versions: [version(2, "PendingManualApproval"), version(1, "Approved")] })
    expect(two[4]).toMatchObject({ state: "done", link: { to: "/models/cars/1" } })
    expect(two[5]).toMatchObject({ state: "you", link: { to: "/models/cars/1" } })
  })

  it("ends with traffic", () => {
    const served = { ...STARTED, versions: [version(1, "Approved")], endpoints: [endpoint("InService")] }
    expect(states(served).slice(5)).toEqual(["done", "you", "you"])
    expect(states({ ...served, endpoints: [endpoint("Creating")] }).slice(5)).toEqual(["now", "later", "later"])
    const asked = checklist({ ...served, page: "e", invocations: 1 })
    expect(asked[6]?.link).toEqual({ text: "Open the page", to: "/apps/e", external: true })
    expect(asked[7]?.detail).toBe("1 request")
    expect(doneOf(asked)).toBe(7) // the run is not in this list
  })
})
