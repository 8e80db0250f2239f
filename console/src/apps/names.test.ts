import { describe, expect, it } from "vitest"
import { grant, linkOf, newToken, roleName, sha256, trust } from "./names"

describe("the role of a page", () => {
  it("is named after the endpoint, cut where the name would be too long", () => {
    expect(roleName("cars")).toBe("app-cars")
    expect(roleName("e".repeat(60))).toBe(`app-${"e".repeat(60)}`)
    const long = roleName("e".repeat(63))
    expect(long).toBe(`app-${"e".repeat(47)}-${sha256("e".repeat(63)).slice(0, 12)}`)
    expect(long).toHaveLength(64)
    expect(roleName(`${"e".repeat(62)}f`)).not.toBe(long)
  })

  it("is trusted to the pages alone, and may ask one endpoint and read one object", () => {
    expect(JSON.parse(trust()).Statement).toEqual([
      { Effect: "Allow", Principal: { Service: "apps.clary" }, Action: "sts:AssumeRole" },
    ])
    const arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/cars"
    expect(JSON.parse(grant(arn, "")).Statement).toHaveLength(1)
    expect(JSON.parse(grant(arn, "s3://lake/apps/cars/page.json")).Statement[1]).toEqual({
      Effect: "Allow",
      Action: ["s3:GetObject"],
      Resource: "arn:aws:s3:::lake/apps/cars/page.json",
    })
  })
})

it("a digest is that of every other program", () => {
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
})

it("a token is long, new each time, and fits into a link", () => {
  const [one, two] = [newToken(), newToken()]
  expect(one).toMatch(/^[\w-]{32}$/)
  expect(one).not.toBe(two)
  expect(linkOf("cars", one)).toBe(`${location.origin}/apps/cars#token=${one}`)
})
