import { describe, expect, it } from "vitest"
import { fill } from "./bundle"
import { inOrder, type Thing } from "./inventory"
import { bucketFor, freeName, isOf, nameFrom, nameOfBucket, pagesRole, parseArn } from "./names"

describe("names", () => {
  it("takes the next number where a name is somebody else's", () => {
    expect(freeName("churn", new Set())).toBe("churn")
    expect(freeName("churn", new Set(["churn", "churn-2", "churn-4"]))).toBe("churn-3")
  })

  it("finds the name of a run in whatever is left of it", () => {
    const bucket = bucketFor("churn-2", "123456789012", "eu-west-1")
    expect(nameOfBucket(bucket)).toBe("churn-2")
    expect(nameOfBucket("lake")).toBeUndefined()
    expect(nameFrom([parseArn(`arn:aws:s3:::${bucket}`)])).toBe("churn-2")
    expect(nameFrom([parseArn("arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-3")])).toBe("churn-3")
    expect(nameFrom([parseArn("arn:aws:sagemaker:eu-west-1:123456789012:model/x")])).toBeUndefined()
  })

  it("reads the kinds of ARNs", () => {
    expect(parseArn("arn:aws:iam::123456789012:role/examples/churn")).toMatchObject({ kind: "role", name: "churn" })
    expect(parseArn("arn:aws:sagemaker:r:1:model-package-group/g")).toMatchObject({ service: "sagemaker", name: "g" })
  })

  it("knows the versions of a group", () => {
    const group = parseArn("arn:aws:sagemaker:r:1:model-package-group/churn")
    expect(isOf("arn:aws:sagemaker:r:1:model-package/churn/3", group)).toBe(true)
    expect(isOf("arn:aws:sagemaker:r:1:model-package/churn-2/3", group)).toBe(false)
  })

  it("knows the role of a page by the endpoint's name", () => {
    expect(pagesRole("app-cars", "cars")).toBe(true)
    expect(pagesRole("app-cars-2", "cars")).toBe(false)
    const long = "x".repeat(63)
    expect(pagesRole(`app-${"x".repeat(47)}-0123456789ab`, long)).toBe(true)
  })
})

describe("a bundle", () => {
  it("gets the names of this run", () => {
    const names = { name: "churn-2", bucket: "b", role: "arn:r" }
    expect(fill("s3://EXAMPLE-BUCKET/EXAMPLE-NAME/x EXAMPLE-ROLE EXAMPLE-NAME", names)).toBe(
      "s3://b/churn-2/x arn:r churn-2",
    )
  })
})

describe("what is removed", () => {
  it("goes before what it needs", () => {
    const thing = (kind: Thing["kind"]): Thing => ({ kind, name: kind, id: kind })
    const kinds = inOrder((["role", "group", "model", "endpoint", "version", "run", "bucket"] as const).map(thing))
    expect(kinds.map((one) => one.kind)).toEqual(["run", "endpoint", "model", "version", "group", "bucket", "role"])
  })
})
