import type { DescribeTrainingJobResponse } from "@aws-sdk/client-sagemaker"
import { expect, it } from "vitest"
import { imageInWords, plain } from "./images"
import { executionPath } from "./sections"
import { hostOf, periodFor } from "./series"
import { finalMetric, ofProcessing, ofTraining } from "./summary"

const REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"

it("images are called by what is in them", () => {
  expect(imageInWords(`${REGISTRY}/sagemaker-xgboost:1.7-1`)).toBe("XGBoost")
  expect(imageInWords(`${REGISTRY}/sagemaker-base-python-312:1`)).toBe("Python 3.12")
  expect(imageInWords("registry:5000/team/mine:7")).toBe("mine:7")
  expect(imageInWords("mine@sha256:00")).toBe("mine")
  expect(imageInWords(undefined)).toBe("–")
})

it("hyperparameters of SDK 2 are JSON values", () => {
  expect(plain('"train.py"')).toBe("train.py")
  expect(plain("train.py")).toBe("train.py")
  expect(plain('"broken')).toBe('"broken')
})

const job = (more: Partial<DescribeTrainingJobResponse>) => more as DescribeTrainingJobResponse

it("the final metric is the tuned one, else one of validation, else the first", () => {
  const FinalMetricDataList = [
    { MetricName: "train:auc", Value: 0.9 },
    { MetricName: "validation:auc", Value: 0.8 },
  ]
  expect(finalMetric(job({ FinalMetricDataList }))?.name).toBe("validation:auc")
  expect(
    finalMetric(job({ FinalMetricDataList, HyperParameters: { _tuning_objective_metric: "train:auc" } }))?.value,
  ).toBe(0.9)
  expect(finalMetric(job({}))).toBeUndefined()
})

it("a job is told in words", () => {
  const told = ofTraining(
    job({
      AlgorithmSpecification: { TrainingImage: `${REGISTRY}/sagemaker-scikit-learn:1.2-1`, TrainingInputMode: "File" },
      HyperParameters: { sagemaker_program: '"code/train.py"' },
      ResourceConfig: { InstanceType: "ml.m5.large", InstanceCount: 2, VolumeSizeInGB: 1 },
    }),
  )
  expect(told).toEqual({ what: "scikit-learn · train.py", machines: "2 × ml.m5.large" })
  const processing = ofProcessing({
    AppSpecification: { ImageUri: "x/mine:2", ContainerEntrypoint: ["python3", "/opt/ml/processing/code/clean.py"] },
  } as Parameters<typeof ofProcessing>[0])
  expect(processing.what).toBe("mine:2 · clean.py")
})

it("a host is told by its log stream", () => {
  expect(hostOf("job/algo-1-1795360053")).toBe("algo-1")
  expect(hostOf("echoed/i-9f6926c9f94547e2a-1795360055/data-log")).toBe("i-9f6926c9f94547e2a")
})

it("a period is one that is still kept, and gives not too many points", () => {
  const now = Date.UTC(2026, 10, 22)
  expect(periodFor(now - 60_000, now, now, 1)).toBe(1)
  expect(periodFor(now - 3_600_000, now, now, 1)).toBe(5)
  expect(periodFor(now - 4 * 3_600_000, now - 3.9 * 3_600_000, now, 1)).toBe(60)
  expect(periodFor(now - 20 * 86_400_000, now - 19.9 * 86_400_000, now, 60)).toBe(300)
})

it("a pipeline's run is found by its ARN", () => {
  expect(executionPath("arn:aws:sagemaker:us-east-1:1:pipeline/cars/execution/02c53xbjykcb")?.path).toBe(
    "/pipelines/cars/executions/02c53xbjykcb",
  )
  expect(executionPath(undefined)).toBeNull()
})
