import { describe, expect, it } from "vitest"
import { captureConfig, freshName, withCapture } from "./copies"
import { deploymentConfig, POLICY, planned } from "./policy"
import { begun, flaw, inShort } from "./scaling"
import { flaws, rowsOf, shares, wanted } from "./shares"

const row = (name: string, weight: string, count = "1") => ({
  name,
  weight,
  count,
  serverless: false,
  concurrency: "",
  provisioned: "",
})

describe("weights", () => {
  it("become shares of the traffic", () => {
    expect(shares([row("a", "9"), row("b", "1")])).toEqual([0.9, 0.1])
    expect(shares([row("a", "0"), row("b", "0.0")])).toEqual([undefined, undefined])
    expect(shares([row("a", "x"), row("b", "2")])).toEqual([undefined, 1])
  })

  it("are asked for only where they differ", () => {
    const now = rowsOf([
      { VariantName: "a", CurrentWeight: 9, DesiredWeight: 9, CurrentInstanceCount: 2, DesiredInstanceCount: 2 },
      { VariantName: "b", CurrentWeight: 1, CurrentInstanceCount: 1 },
    ])
    expect(wanted(now, now)).toEqual([])
    expect(wanted([row("a", "9.0", "2"), row("b", "3", "2")], now)).toEqual([
      { VariantName: "b", DesiredWeight: 3, DesiredInstanceCount: 2 },
    ])
  })

  it("of serverless variants come with their concurrency", () => {
    const now = rowsOf([
      { VariantName: "a", CurrentWeight: 1, CurrentServerlessConfig: { MemorySizeInMB: 2048, MaxConcurrency: 5 } },
    ])
    expect(now[0]).toMatchObject({ serverless: true, concurrency: "5", provisioned: "" })
    const [one] = now
    expect(wanted([{ ...(one as never as object), concurrency: "7" } as never], now)).toEqual([
      { VariantName: "a", ServerlessUpdateConfig: { MaxConcurrency: 7 } },
    ])
  })

  it("say what is wrong with them", () => {
    expect(flaws(row("a", "-1", "0"), 1)).toEqual({
      weight: "A number from 0 on is needed.",
      count: "A whole number from 1 on is needed.",
    })
    expect(flaws(row("a", "0.5", "0"), 0)).toEqual({})
    expect(flaws({ ...row("a", "1"), serverless: true, concurrency: "3", provisioned: "4" }, 1)).toEqual({
      provisioned: "1 to the most at once.",
    })
  })
})

describe("a deployment", () => {
  it("is what SageMaker takes", () => {
    expect(deploymentConfig(POLICY)).toEqual({
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 },
        TerminationWaitInSeconds: 0,
      },
    })
    const canary = deploymentConfig({ ...POLICY, kind: "CANARY", size: 80, wait: 30, alarms: ["errors"] })
    expect(canary.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.CanarySize).toEqual({
      Type: "CAPACITY_PERCENT",
      Value: 50,
    })
    expect(canary.AutoRollbackConfiguration).toEqual({ Alarms: [{ AlarmName: "errors" }] })
    expect(deploymentConfig({ ...POLICY, kind: "ROLLING", size: 25, wait: 5 })).toEqual({
      RollingUpdatePolicy: { MaximumBatchSize: { Type: "CAPACITY_PERCENT", Value: 25 }, WaitIntervalInSeconds: 5 },
    })
  })

  it("is told in words before it begins", () => {
    expect(planned(POLICY)).toBe("All traffic moves at once.")
    expect(planned({ ...POLICY, kind: "CANARY", wait: 60, keep: 30, alarms: ["errors"] })).toBe(
      "20 % of the traffic moves first, watched for 60 s, then the rest, watched for 60 s; the old instances are kept for 30 s more. It is taken back if errors calls.",
    )
    expect(planned({ ...POLICY, kind: "LINEAR", size: 30, wait: 10 })).toBe(
      "The traffic moves in 4 steps of 30 %, each watched for 10 s.",
    )
    expect(planned({ ...POLICY, kind: "ROLLING", wait: 10 })).toBe(
      "The instances are replaced 20 % at a time, each batch watched for 10 s.",
    )
  })
})

describe("a copy of a configuration", () => {
  const config = {
    EndpointConfigName: "old",
    EndpointConfigArn: "arn:old",
    CreationTime: new Date(0),
    ProductionVariants: [{ VariantName: "a", ModelName: "m" }],
    DataCaptureConfig: captureConfig({ percent: 5, to: "s3://a/b", input: true, output: false }),
    EnableNetworkIsolation: false,
  } as never

  it("differs in its capture, and in nothing else", () => {
    const capture = captureConfig({ percent: 50, to: "s3://lake/watch", input: true, output: true })
    expect(withCapture(config, "new", capture)).toEqual({
      EndpointConfigName: "new",
      ProductionVariants: [{ VariantName: "a", ModelName: "m" }],
      EnableNetworkIsolation: false,
      DataCaptureConfig: expect.objectContaining({
        InitialSamplingPercentage: 50,
        DestinationS3Uri: "s3://lake/watch",
      }),
    })
    expect(withCapture(config, "new", undefined)).not.toHaveProperty("DataCaptureConfig")
  })

  it("has a name that is free and not too long", () => {
    expect(freshName("shop", 1_700_000_000_000)).toMatch(/^shop-[a-z0-9]{8}$/)
    const long = freshName("a".repeat(53) + "-".repeat(5) + "b".repeat(5), 1_700_000_000_000)
    expect(long.length).toBeLessThanOrEqual(63)
    expect(long).not.toContain("--")
  })
})

describe("scaling", () => {
  const policy = {
    ResourceId: "endpoint/shop/variant/blue",
    PolicyName: "requests",
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 1_200,
      PredefinedMetricSpecification: { PredefinedMetricType: "SageMakerVariantInvocationsPerInstance" },
      ScaleInCooldown: 30,
    },
  } as never

  it("begins with what is there", () => {
    const target = { ResourceId: "endpoint/shop/variant/blue", MinCapacity: 2, MaxCapacity: 6 } as never
    expect(begun("shop", "blue", [target], [policy])).toMatchObject({
      least: 2,
      most: 6,
      name: "requests",
      target: 1_200,
      in: 30,
      out: 300,
    })
    expect(begun("shop", "green", [target], [policy])).toMatchObject({ least: 1, most: 4, name: "load", target: 200 })
  })

  it("is told in words, and says what is wrong", () => {
    expect(inShort(policy)).toBe("keeps requests a minute and instance at 1,200")
    const fine = begun("shop", "blue", [], [])
    expect(flaw(fine, 1)).toBe("")
    expect(flaw({ ...fine, least: 0 }, 1)).toBe("At least 1 instance must stay.")
    expect(flaw({ ...fine, least: 5 }, 1)).toContain("must not be less")
    expect(flaw({ ...fine, target: Number.NaN }, 1)).toContain("more than zero")
  })
})
