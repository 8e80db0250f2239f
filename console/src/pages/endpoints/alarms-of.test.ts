import { describe, expect, it } from "vitest"
import { alarmsOf } from "./alarms-of"
import { variantsOf, versionPage } from "./variants"

const metric = (name: string, endpoint: string) => ({
  AlarmName: name,
  MetricName: "Invocation5XXErrors",
  Statistic: "Sum" as const,
  Period: 10,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  Threshold: 5,
  ComparisonOperator: "GreaterThanThreshold" as const,
  Dimensions: [
    { Name: "EndpointName", Value: endpoint },
    { Name: "VariantName", Value: "blue" },
  ],
})

describe("alarms of an endpoint", () => {
  it("are those on its metrics, on math over them, and composite alarms that ask those", () => {
    const math = {
      AlarmName: "share",
      Metrics: [
        { Id: "e", Expression: "a / b" },
        { Id: "a", MetricStat: { Metric: { Dimensions: [{ Name: "EndpointName", Value: "shop" }] } } },
      ],
    } as never
    const composite = (name: string, AlarmRule: string) => ({ AlarmName: name, AlarmRule }) as never
    const found = alarmsOf("shop", [
      metric("errors", "shop"),
      metric("others", "cars"),
      math,
      composite("both", 'ALARM("errors") AND OK(share)'),
      composite("far", "ALARM(others)"),
      composite("by-arn", "ALARM(arn:aws:cloudwatch:us-east-1:1:alarm:share)"),
    ])
    expect(found.map((one) => one.name)).toEqual(["errors", "share", "both", "by-arn"])
    expect(found[0]?.what).toBe("Sum of Invocation5XXErrors of blue > 5 (2 of 3 × 10 s)")
  })
})

describe("variants", () => {
  const summary = (name: string, weight: number, image: object) => ({
    VariantName: name,
    CurrentWeight: weight,
    DesiredWeight: weight,
    CurrentInstanceCount: 1,
    DesiredInstanceCount: 2,
    DeployedImages: [image],
  })

  it("tell their share, their model and what serves them", () => {
    const found = variantsOf(
      {
        ProductionVariants: [
          summary("a", 3, { SpecifiedImage: "x/xgboost:1", ResolvedImage: "clary/compiled@sha256:abc" }),
          summary("b", 1, { SpecifiedImage: "x/sklearn:1" }),
        ],
        ShadowProductionVariants: [summary("s", 1, {})],
      },
      { ProductionVariants: [{ VariantName: "a", ModelName: "m", InstanceType: "ml.m5.large" }] },
    )
    expect(found[0]).toMatchObject({ share: 0.75, model: "m", serves: "compiled", instance: "ml.m5.large" })
    expect(found[1]).toMatchObject({ share: 0.25, model: undefined, serves: "containers", images: ["x/sklearn:1"] })
    expect(found[2]).toMatchObject({ shadow: true, share: undefined })
  })

  it("of an endpoint that never came up are what was asked for", () => {
    const [one] = variantsOf(
      {},
      { ProductionVariants: [{ VariantName: "a", ModelName: "m", InitialInstanceCount: 2 }] },
    )
    expect(one).toMatchObject({ model: "m", instances: { now: undefined, wanted: 2 }, share: undefined })
  })

  it("lead to their version", () => {
    expect(versionPage("arn:aws:sagemaker:us-east-1:1:model-package/cars/3")).toEqual({
      to: "/models/cars/3",
      text: "cars version 3",
    })
    expect(versionPage(undefined)).toBeUndefined()
  })
})
