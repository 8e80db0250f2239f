import { expect, test } from "vitest"
import { trustsSageMaker } from "./roles"

const document = (Principal: unknown, Effect = "Allow") =>
  encodeURIComponent(
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect, Principal, Action: "sts:AssumeRole" }] }),
  )

test("a role that SageMaker may assume says so in its trust policy", () => {
  expect(trustsSageMaker(document({ Service: "sagemaker.amazonaws.com" }))).toBe(true)
  expect(trustsSageMaker(document({ Service: ["glue.amazonaws.com", "sagemaker.amazonaws.com"] }))).toBe(true)
  expect(trustsSageMaker(document({ Service: "glue.amazonaws.com" }))).toBe(false)
  expect(trustsSageMaker(document({ Service: "sagemaker.amazonaws.com" }, "Deny"))).toBe(false)
  expect(trustsSageMaker(undefined)).toBe(false)
  expect(trustsSageMaker("not a policy")).toBe(false)
})
