import { expect, it } from "vitest"
import { listed } from "./frame"
import { problemOf, trusted, trustOf } from "./trust"

it("reads who may assume a role", () => {
  expect(trusted(JSON.parse(trustOf("sagemaker.amazonaws.com")))).toEqual(["sagemaker.amazonaws.com"])
  expect(
    trusted({
      Statement: [
        { Effect: "Allow", Principal: { AWS: ["arn:a", "arn:b"], Service: "s" } },
        { Effect: "Allow", Principal: "*" },
        { Effect: "Deny", Principal: { AWS: "arn:c" } },
      ],
    }),
  ).toEqual(["arn:a", "arn:b", "s", "everybody"])
  expect(trusted(undefined)).toEqual([])
})

it("says what is wrong with a document", () => {
  expect(problemOf(trustOf("x"))).toBe("")
  expect(problemOf("{")).toContain("no JSON")
  expect(problemOf("[]")).toContain("Statement")
})

it("lists what goes with a thing", () => {
  expect(
    listed([
      [2, "key", "keys"],
      [0, "group", "groups"],
      [1, "policy", "policies"],
    ]),
  ).toBe("2 keys and one policy")
  expect(listed([[0, "key", "keys"]])).toBe("")
})
