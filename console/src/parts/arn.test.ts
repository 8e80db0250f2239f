import { expect, test } from "vitest"
import { identity, kindOfArn, pageOf } from "./arn"

const sagemaker = (rest: string) => `arn:aws:sagemaker:us-east-1:123456789012:${rest}`

test("what has a page is led to, what has none is not", () => {
  expect(pageOf(sagemaker("training-job/cars-1"))).toBe("/jobs/training/cars-1")
  expect(pageOf(sagemaker("model-package/cars/3"))).toBe("/models/cars/3")
  expect(pageOf(sagemaker("model-package/alone"))).toBe("/models/package/alone")
  expect(pageOf(sagemaker("pipeline/cars/execution/abc"))).toBe("/pipelines/cars/executions/abc")
  expect(pageOf(sagemaker("pipeline/cars"))).toBe("/pipelines/cars")
  expect(pageOf("s3://lake/a/b.csv")).toBe("/data/s3/lake?prefix=a%2F&object=b.csv")
  expect(pageOf(sagemaker("notebook-instance/x"))).toBeUndefined()
  expect(pageOf("arn:aws:iam::123456789012:role/x")).toBeUndefined()
  expect(pageOf(undefined)).toBeUndefined()
  expect(kindOfArn(sagemaker("model-package/cars/3"))).toBe("model-package")
})

test("identities by name", () => {
  expect(identity("arn:aws:iam::123456789012:root")).toBe("root")
  expect(identity("arn:aws:iam::123456789012:user/people/ada")).toBe("ada")
  expect(identity("arn:aws:sts::123456789012:assumed-role/jobs/SageMaker")).toBe("jobs")
  expect(identity("arn:aws:sts::123456789012:assumed-role/admin/ada")).toBe("admin (ada)")
  expect(identity(undefined)).toBe("–")
})
