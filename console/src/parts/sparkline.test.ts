import { describe, expect, it } from "vitest"
import { paths } from "./sparkline"

describe("a line without axes", () => {
  it("breaks at gaps and draws a lone value as a spike", () => {
    expect(paths([0, 10, undefined, 5], 30, 12)).toBe("M0.0 11.0L10.0 1.0M30.0 6.0V11h0.01")
    expect(paths([undefined, undefined], 30, 12)).toBe("")
  })
})
