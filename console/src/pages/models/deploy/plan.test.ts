import { expect, test } from "vitest"
import {
  configRequest,
  deploymentOf,
  madeName,
  modelRequest,
  NAME,
  type Now,
  problems,
  shareOf,
  suggestedEndpoint,
  tagsFor,
  variantName,
  type Wanted,
} from "./plan"

const WHAT = { packageArn: "arn:aws:sagemaker:us-east-1:123456789012:model-package/cars/3", group: "cars", version: 3 }
const WANTED: Wanted = {
  endpoint: "cars-production",
  fresh: true,
  beside: false,
  weight: 1,
  serverless: false,
  instanceType: "ml.m5.large",
  instances: 2,
  memoryMb: 2048,
  concurrency: 5,
  capture: false,
  captureUri: "",
  capturePercent: 100,
  role: "arn:aws:iam::123456789012:role/models",
  canary: 0,
}
const NOW: Now = {
  endpoint: {
    EndpointName: "cars-production",
    EndpointArn: "",
    EndpointStatus: "InService",
    CreationTime: new Date(0),
    LastModifiedTime: new Date(0),
    ProductionVariants: [{ VariantName: "main", DesiredWeight: 3, DesiredInstanceCount: 4 }],
  },
  config: {
    EndpointConfigName: "old",
    EndpointConfigArn: "",
    CreationTime: new Date(0),
    ProductionVariants: [
      {
        VariantName: "main",
        ModelName: "old",
        InitialInstanceCount: 1,
        InitialVariantWeight: 1,
        InstanceType: "ml.c5.large",
      },
    ],
    DataCaptureConfig: {
      DestinationS3Uri: "s3://old/place",
      InitialSamplingPercentage: 5,
      CaptureOptions: [{ CaptureMode: "Output" }],
    },
  },
}

test("names are suggested from the group and collide with nothing", () => {
  expect(suggestedEndpoint("cars", [])).toBe("cars-production")
  expect(suggestedEndpoint("cars", ["cars-production", "cars-production-2"])).toBe("cars-production-3")
  expect(suggestedEndpoint("_odd name_", [])).toBe("odd-name-production")
  expect(suggestedEndpoint("x".repeat(63), [])).toMatch(NAME)
  const made = madeName("a".repeat(63), WHAT, 1_795_360_011_000)
  expect(made).toMatch(NAME)
  expect(made).toContain("-v3-")
  expect(madeName("cars", WHAT, 1) === madeName("cars", WHAT, 2)).toBe(false)
  expect(madeName("cars", { model: "m" }, 1)).toBe("cars-1")
})

test("a model is made of the package, and none of a model", () => {
  expect(modelRequest("m", WHAT, WANTED, { team: "a" })).toEqual({
    ModelName: "m",
    ExecutionRoleArn: WANTED.role,
    Containers: [{ ModelPackageName: WHAT.packageArn }],
    Tags: [{ Key: "team", Value: "a" }],
  })
  expect(modelRequest("m", { model: "there" }, WANTED, {})).toBeNull()
})

test("the deployment says what it is of, over the tags of the group", () => {
  expect(tagsFor(WHAT, { team: "a" }, "old")).toEqual({
    team: "a",
    "clary:model-package": WHAT.packageArn,
    "clary:model-package-group": "cars",
    "clary:previous-config": "old",
  })
  expect(tagsFor({ model: "m" }, {})).toEqual({})
})

test("a new endpoint has one variant with all of the traffic", () => {
  const made = configRequest("c", "m", WHAT, WANTED, undefined, {})
  expect(made.ProductionVariants).toEqual([
    {
      VariantName: "AllTraffic",
      ModelName: "m",
      InitialVariantWeight: 1,
      InstanceType: "ml.m5.large",
      InitialInstanceCount: 2,
    },
  ])
  expect(made.DataCaptureConfig).toBeUndefined()
  expect(shareOf(WANTED, undefined)).toBe(1)
})

test("serverless has memory and concurrency, and no instances", () => {
  const [variant] =
    configRequest("c", "m", WHAT, { ...WANTED, serverless: true }, undefined, {}).ProductionVariants ?? []
  expect(variant?.ServerlessConfig).toEqual({ MemorySizeInMB: 2048, MaxConcurrency: 5 })
  expect(variant?.InstanceType).toBeUndefined()
})

test("a replacement keeps the variant's name, and what was set of capture", () => {
  const wanted = { ...WANTED, fresh: false, capture: true, captureUri: "s3://lake/c", capturePercent: 20 }
  const made = configRequest("c", "m", WHAT, wanted, NOW, {})
  expect(made.ProductionVariants?.map((one) => one.VariantName)).toEqual(["main"])
  expect(made.DataCaptureConfig).toMatchObject({
    EnableCapture: true,
    DestinationS3Uri: "s3://lake/c",
    InitialSamplingPercentage: 20,
    CaptureOptions: [{ CaptureMode: "Output" }],
  })
})

test("beside what serves, that goes on with the weights and counts of this moment", () => {
  const wanted = { ...WANTED, fresh: false, beside: true, weight: 1 }
  const made = configRequest("c", "m", WHAT, wanted, NOW, {})
  expect(
    made.ProductionVariants?.map((one) => [one.VariantName, one.InitialVariantWeight, one.InitialInstanceCount]),
  ).toEqual([
    ["main", 3, 4],
    ["v3", 1, 2],
  ])
  expect(shareOf(wanted, NOW)).toBe(0.25)
  expect(variantName({ model: "m" }, wanted, NOW)).toBe("new")
})

test("some percent first, or all at once", () => {
  expect(deploymentOf(WANTED).BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.Type).toBe("ALL_AT_ONCE")
  expect(
    deploymentOf({ ...WANTED, canary: 10 }).BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.CanarySize?.Value,
  ).toBe(10)
})

test("what is wrong is said by field", () => {
  expect(problems(WANTED, WHAT, [])).toEqual({})
  expect(Object.keys(problems({ ...WANTED, endpoint: "a--b-", role: "" }, WHAT, []))).toEqual(["endpoint", "role"])
  expect(problems(WANTED, WHAT, ["cars-production"]).endpoint).toContain("already")
  expect(problems({ ...WANTED, fresh: false }, WHAT, ["cars-production"])).toEqual({})
  expect(Object.keys(problems({ ...WANTED, capture: true, instances: 0, instanceType: "big" }, WHAT, []))).toEqual([
    "instanceType",
    "instances",
    "captureUri",
  ])
})
