import { expect, test } from "vitest"
import { standOf } from "./run"

const BEGUN = { endpoint: "cars", config: "new", model: "new", fresh: false, beside: false }

test("done is in service with the new configuration", () => {
  expect(standOf(BEGUN, { EndpointStatus: "Updating", EndpointConfigName: "old" }).phase).toBe("moving")
  expect(standOf(BEGUN, { EndpointStatus: "InService", EndpointConfigName: "new" }).phase).toBe("done")
  expect(standOf({ ...BEGUN, fresh: true }, { EndpointStatus: "Creating", EndpointConfigName: "new" }).phase).toBe(
    "moving",
  )
})

test("an update that was taken back and an endpoint that failed say why", () => {
  const back = standOf(BEGUN, { EndpointStatus: "InService", EndpointConfigName: "old", FailureReason: "It crashed." })
  expect(back).toEqual({
    phase: "failed",
    words: "The update was taken back, and what served before serves on. It crashed.",
  })
  expect(standOf(BEGUN, { EndpointStatus: "Failed", FailureReason: "No data." })).toEqual({
    phase: "failed",
    words: "No data.",
  })
})
