import { describe, expect, it } from "vitest"
import { segments, shares, stretches } from "./transitions"

const at = (seconds: number) => new Date(1_000_000 + seconds * 1_000)
const now = at(100).getTime()

describe("segments", () => {
  it("are the transitions with their lengths; what goes on is measured until now", () => {
    const found = segments(
      [
        { Status: "Starting", StartTime: at(0), EndTime: at(2), StatusMessage: "Starting the training job" },
        { Status: "Training", StartTime: at(2) },
      ],
      now,
    )
    expect(found.map((one) => [one.name, one.ms, one.end])).toEqual([
      ["Starting", 2_000, false],
      ["Training", 98_000, false],
    ])
    expect(found[0]?.message).toBe("Starting the training job")
    expect(found[1]?.to).toBeUndefined()
  })

  it("end in an instant that is no stretch, unless ending took time", () => {
    const found = segments(
      [
        { Status: "MaxRuntimeExceeded", StartTime: at(5), EndTime: at(8) },
        { Status: "Stopped", StartTime: at(8), EndTime: at(8) },
      ],
      now,
    )
    expect(found.map((one) => one.end)).toEqual([false, true])
  })

  it("are none where nothing was observed", () => {
    expect(segments(undefined, now)).toEqual([])
    expect(segments([{ Status: "Training" }], now)).toEqual([])
  })

  it("never run backwards, whatever the clocks of the two sides say", () => {
    expect(segments([{ Status: "Training", StartTime: at(200) }], now)[0]?.ms).toBe(0)
  })
})

describe("stretches", () => {
  it("wait, run, end", () => {
    const found = stretches({ created: at(0), started: at(3), ended: at(10), status: "Failed" }, now)
    expect(found.map((one) => [one.name, one.ms, one.end])).toEqual([
      ["Waiting", 3_000, false],
      ["Running", 7_000, false],
      ["Failed", 0, true],
    ])
  })

  it("of a job stopped before its start have no running", () => {
    expect(stretches({ created: at(0), ended: at(4), status: "Stopped" }, now).map((one) => one.name)).toEqual([
      "Waiting",
      "Stopped",
    ])
  })
})

describe("shares", () => {
  it("add up to one, and the shortest can be seen", () => {
    const wide = shares(
      segments(
        [
          { Status: "Starting", StartTime: at(0), EndTime: at(0.005) },
          { Status: "Training", StartTime: at(0.005), EndTime: at(50) },
        ],
        now,
      ),
    )
    expect(wide.reduce((a, b) => a + b, 0)).toBeCloseTo(1)
    expect(wide[0]).toBeGreaterThan(0.01)
  })
})
