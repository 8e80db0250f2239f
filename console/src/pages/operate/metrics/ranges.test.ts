import { describe, expect, it } from "vitest"
import { bounds, periodFor, periodsFor, type Range, rangeOf, short, tick, writeRange } from "./ranges"

const NOW = Date.UTC(2026, 10, 22, 14, 3, 59)
const last = (seconds: number): Range => ({ kind: "last", seconds })
const DAY = 86_400

describe("a range in the address", () => {
  it("is an hour where nothing or nonsense is said", () => {
    for (const text of ["", "range=", "range=0h", "range=5x", "from=2026-11-22T10:00Z", "from=b&to=a"])
      expect(rangeOf(new URLSearchParams(text))).toEqual(last(3_600))
  })

  it("comes back as it went", () => {
    const fixed: Range = { kind: "fixed", from: new Date(NOW - 60_000), to: new Date(NOW) }
    for (const range of [last(900), last(10_800), last(7 * DAY), last(5_400), fixed]) {
      const params = new URLSearchParams("range=9h&from=2026-01-01&to=2026-01-02&m=x")
      writeRange(params, range)
      expect(rangeOf(params)).toEqual(range)
      expect(params.get("m")).toBe("x")
    }
    expect(short(5_400)).toBe("90m")
  })
})

describe("periods", () => {
  it("show a few hundred points", () => {
    expect(periodFor(last(900), NOW)).toBe(60)
    expect(periodFor(last(3 * 3_600), NOW)).toBe(60)
    expect(periodFor(last(DAY), NOW)).toBe(300)
    expect(periodFor(last(7 * DAY), NOW)).toBe(3_600)
  })

  it("are no finer than what is kept", () => {
    const old: Range = {
      kind: "fixed",
      from: new Date(NOW - 20 * DAY * 1_000),
      to: new Date(NOW - 20 * DAY * 1_000 + 3_600_000),
    }
    expect(periodFor(old, NOW)).toBe(300)
    expect(periodsFor(old, NOW)).not.toContain(60)
    expect(periodsFor(last(3_600), NOW)).toContain(1)
    expect(periodsFor(last(DAY), NOW)).not.toContain(10)
  })
})

it("ends at a whole period, so that the same points are seen again", () => {
  const { from, to } = bounds(last(3_600), 60, NOW)
  expect(to.toISOString()).toBe("2026-11-22T14:04:00.000Z")
  expect(to.getTime() - from.getTime()).toBe(3_600_000)
})

it("says the day where the span is longer than one", () => {
  const when = new Date(2026, 10, 2, 9, 5, 7)
  expect([tick(when, 900), tick(when, 3_600), tick(when, 7 * DAY)]).toEqual(["09:05:07", "09:05", "11-02 09:05"])
})
