import { describe, expect, it } from "vitest"
import { cloned, type Doc, nextName, TABLES, wrong } from "./document"
import { fieldsOf, get, pairsTo, set } from "./fields"

const REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
const DESCRIBED = {
  $metadata: { httpStatusCode: 200 },
  TrainingJobName: "cars",
  TrainingJobArn: "arn:aws:sagemaker:us-east-1:1:training-job/cars",
  TuningJobArn: "arn:aws:sagemaker:us-east-1:1:hyper-parameter-tuning-job/t",
  TrainingJobStatus: "Completed",
  SecondaryStatus: "Completed",
  ModelArtifacts: { S3ModelArtifacts: "s3://lake/out/cars/output/model.tar.gz" },
  HyperParameters: { num_round: "5", _tuning_objective_metric: "validation:rmse", empty: "" },
  AlgorithmSpecification: {
    TrainingImage: `${REGISTRY}/sagemaker-xgboost:1.7-1`,
    TrainingInputMode: "File",
    MetricDefinitions: [{ Name: "train:rmse", Regex: "x" }],
  },
  RoleArn: "arn:aws:iam::1:role/job",
  InputDataConfig: [{ ChannelName: "train", DataSource: { S3DataSource: { S3Uri: "s3://lake/a/" } } }],
  OutputDataConfig: { KmsKeyId: "", S3OutputPath: "s3://lake/out" },
  ResourceConfig: { InstanceType: "ml.m5.large", InstanceCount: 1, VolumeSizeInGB: 5 },
  StoppingCondition: { MaxRuntimeInSeconds: 600 },
  CreationTime: new Date(0),
  FinalMetricDataList: [{ MetricName: "train:rmse", Value: 1, Timestamp: new Date(0) }],
  SecondaryStatusTransitions: [{ Status: "Starting", StartTime: new Date(0) }],
  BillableTimeInSeconds: 2,
  TrainingTimeInSeconds: 2,
  Environment: {},
  DebugRuleConfigurations: [],
}

describe("cloned", () => {
  const tags = [
    { key: "team", value: "cars" },
    { key: "sagemaker:pipeline-execution-arn", value: "arn:..." },
    { key: "aws:cloudformation", value: "x" },
  ]
  const made = cloned("training", DESCRIBED, tags, "cars-2")

  it("keeps what the request takes, and nothing that only Describe tells", () => {
    expect(Object.keys(made).filter((member) => !(member in TABLES.training))).toEqual([])
    for (const told of [
      "TrainingJobArn",
      "TuningJobArn",
      "SecondaryStatus",
      "ModelArtifacts",
      "CreationTime",
      "$metadata",
    ])
      expect(made).not.toHaveProperty(told)
    expect(made.TrainingJobName).toBe("cars-2")
    expect(made.InputDataConfig).toEqual(DESCRIBED.InputDataConfig)
    expect(made.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 600 })
  })

  it("drops what Describe fills in by itself", () => {
    expect(made.OutputDataConfig).toEqual({ S3OutputPath: "s3://lake/out" })
    expect(made).not.toHaveProperty("DebugRuleConfigurations")
    expect(get(made, ["AlgorithmSpecification", "MetricDefinitions"])).toBeUndefined()
  })

  it("drops what a tuning job or a pipeline had added", () => {
    expect(made.HyperParameters).toEqual({ num_round: "5", empty: "" })
    expect(made.Tags).toEqual([{ Key: "team", Value: "cars" }])
  })

  it("keeps the metrics of a program of one's own", () => {
    const mine = { ...DESCRIBED, HyperParameters: { sagemaker_program: "train.py" } }
    expect(get(cloned("training", mine, [], "x"), ["AlgorithmSpecification", "MetricDefinitions", 0, "Name"])).toBe(
      "train:rmse",
    )
  })

  it("cleans each definition of a tuning job", () => {
    const tuning = {
      HyperParameterTuningJobName: "t",
      HyperParameterTuningJobStatus: "Completed",
      TrainingJobStatusCounters: { Completed: 3 },
      BestTrainingJob: { TrainingJobName: "t-001" },
      HyperParameterTuningJobConfig: { Strategy: "Random" },
      TrainingJobDefinition: {
        StaticHyperParameters: { a: "1", _tuning_objective_metric: "m" },
        AlgorithmSpecification: { TrainingImage: "mine:1", MetricDefinitions: [{ Name: "m", Regex: "(.)" }] },
      },
    }
    const again = cloned("tuning", tuning, [], "t-2")
    expect(Object.keys(again)).toEqual([
      "HyperParameterTuningJobName",
      "HyperParameterTuningJobConfig",
      "TrainingJobDefinition",
    ])
    expect(get(again, ["TrainingJobDefinition", "StaticHyperParameters"])).toEqual({ a: "1" })
    expect(get(again, ["TrainingJobDefinition", "AlgorithmSpecification", "MetricDefinitions", 0, "Name"])).toBe("m")
  })

  it("makes a Glue job of what GetJob tells, by one measure of its workers", () => {
    const job = {
      Name: "load",
      Role: "r",
      CreatedOn: new Date(0),
      WorkerType: "G.1X",
      NumberOfWorkers: 2,
      MaxCapacity: 2,
      AllocatedCapacity: 2,
    }
    expect(cloned("glue", job, [{ key: "team", value: "cars" }], "load-2")).toEqual({
      Name: "load-2",
      Role: "r",
      WorkerType: "G.1X",
      NumberOfWorkers: 2,
      Tags: { team: "cars" },
    })
  })

  it("changes nothing of what was read", () => {
    expect(DESCRIBED.HyperParameters._tuning_objective_metric).toBe("validation:rmse")
  })
})

it("a new name has the time in it, and takes the place of an older clone's", () => {
  const now = new Date("2026-11-22T14:03:59Z")
  expect(nextName("training", "cars", now)).toBe("cars-1122140359")
  expect(nextName("training", "cars-1121000000", now)).toBe("cars-1122140359")
  expect(nextName("tuning", "a".repeat(32), now)).toHaveLength(32)
  expect(nextName("training", `${"a".repeat(51)}-b`, now)).toBe(`${"a".repeat(51)}-1122140359`)
})

describe("wrong", () => {
  it("says what AWS would refuse at once", () => {
    expect(wrong("training", {})).toBe("TrainingJobName is missing.")
    expect(wrong("training", { TrainingJobName: "a b" })).toContain("letters, digits and hyphens")
    expect(wrong("tuning", { HyperParameterTuningJobName: "a".repeat(33) })).toContain("32 characters; it has 33")
    expect(wrong("training", { TrainingJobName: "a", Environmnt: {} })).toBe("The request has no member Environmnt.")
    expect(wrong("training", { TrainingJobName: "a", Environment: {} })).toBeUndefined()
  })
})

describe("fields", () => {
  const document: Doc = {
    TrainingJobName: "a",
    InputDataConfig: [{ ChannelName: "train", DataSource: { S3DataSource: { S3Uri: "s3://x" } } }],
  }

  it("are those of the document", () => {
    expect(fieldsOf("training", document).map((one) => one.label)).toContain("Input: train")
  })

  it("are set without changing what was given", () => {
    const changed = set(document, ["InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"], "s3://y")
    expect(get(changed, ["InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"])).toBe("s3://y")
    expect(get(changed, ["InputDataConfig", 0, "ChannelName"])).toBe("train")
    expect(get(document, ["InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"])).toBe("s3://x")
    expect(set(document, ["Environment", "A"], "1").Environment).toEqual({ A: "1" })
    expect(set(document, ["TrainingJobName"], undefined)).not.toHaveProperty("TrainingJobName")
  })

  it("a row that is still being typed belongs to nobody", () => {
    expect(
      pairsTo([
        { name: "a", value: "1" },
        { name: "", value: "2" },
      ]),
    ).toEqual({ a: "1" })
    expect(pairsTo([])).toBeUndefined()
  })
})
