import { expect, test } from "vitest"
import {
  calledOf,
  type Entity,
  gathered,
  inOrder,
  type Lineage,
  PLAIN,
  placeOf,
  reduced,
  shown,
  titleOf,
} from "./graph"

const HERE = "arn:aws:sagemaker:us-east-1:123456789012:"
const entity = (arn: string, type: string, source = "", properties = {}): Entity => ({
  arn,
  type,
  kind: "Artifact",
  source,
  state: "",
  status: "",
  properties,
})
const edge = (source: string, target: string) => ({ source, target, how: "ContributedTo" })

const ROAD: Lineage = {
  entities: [
    entity("endpoint", "Endpoint", `${HERE}endpoint/cars`),
    entity("package", "ModelPackage", `${HERE}model-package/cars/3`),
    entity("image", "Image", "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"),
    entity("data", "DataSet", "s3://lake/cars/raw/car.data"),
    entity("job", "TrainingJob", `${HERE}training-job/cars-1`),
    entity("decision", "Approval", `${HERE}model-package/cars/3`, { ModelApprovalStatus: "Approved" }),
  ],
  edges: [
    edge("data", "job"),
    edge("image", "job"),
    edge("job", "package"),
    edge("data", "package"),
    edge("decision", "package"),
    edge("package", "endpoint"),
    edge("job", "endpoint"),
  ],
}

test("what is beside the road may be hidden, with its arrows", () => {
  const plain = shown(ROAD, PLAIN)
  expect(plain.entities.map((one) => one.arn)).toEqual(["endpoint", "package", "data", "job"])
  expect(plain.edges).toHaveLength(5)
  expect(shown(ROAD, { ...PLAIN, images: true, decisions: true }).entities).toHaveLength(6)
})

test("arrows that repeat a longer way are left out, circles stay", () => {
  expect(reduced(shown(ROAD, PLAIN)).edges.map((one) => `${one.source}>${one.target}`)).toEqual([
    "data>job",
    "job>package",
    "package>endpoint",
  ])
  const circle = {
    entities: [entity("a", "x"), entity("b", "x"), entity("c", "x")],
    edges: [edge("a", "b"), edge("b", "c"), edge("c", "a")],
  }
  expect(reduced(circle).edges).toHaveLength(3)
})

test("in the order of the arrows, also with a circle", () => {
  expect(inOrder(shown(ROAD, PLAIN)).map((one) => one.arn)).toEqual(["data", "job", "package", "endpoint"])
  const circle = { entities: [entity("a", "x"), entity("b", "x")], edges: [edge("a", "b"), edge("b", "a")] }
  expect(inOrder(circle)).toHaveLength(2)
})

test("everything has a title, a name and a way to its page", () => {
  const told = (at: number) => {
    const one = ROAD.entities[at] ?? entity("", "")
    return [titleOf(one), calledOf(one), placeOf(one)]
  }
  expect(told(0)).toEqual(["Endpoint", "cars", "/endpoints/cars"])
  expect(told(1)).toEqual(["Version", "cars/3", "/models/cars/3"])
  expect(told(2)).toEqual(["Image", "sagemaker-xgboost:1.7-1", undefined])
  expect(told(3)).toEqual(["Data", "car.data", "/data/s3/lake?prefix=cars%2Fraw%2F&object=car.data"])
  expect(told(4)).toEqual(["Training job", "cars-1", "/jobs/training/cars-1"])
  expect(told(5)).toEqual(["Decision", "Approved", "/models/cars/3"])
  expect(calledOf(entity("x", "DataSet", "s3://lake/runs/prepare/train/"))).toBe("prepare/train")
})

test("files are gathered into the prefix that they are a part of, with their arrows", () => {
  const files: Lineage = {
    entities: [
      entity("job", "ProcessingJob"),
      entity("one", "DataSet", "s3://lake/out/train/1.csv"),
      entity("two", "DataSet", "s3://lake/out/train/2.csv"),
      entity("prefix", "DataSet", "s3://lake/out/train"),
      entity("next", "TrainingJob"),
    ],
    edges: [
      edge("job", "one"),
      edge("job", "two"),
      edge("one", "prefix"),
      edge("two", "prefix"),
      edge("prefix", "next"),
    ],
  }
  const found = gathered(files)
  expect(found.entities.map((one) => [one.arn, one.files])).toEqual([
    ["job", undefined],
    ["prefix", 2],
    ["next", undefined],
  ])
  expect(reduced(found).edges.map((one) => `${one.source}>${one.target}`)).toEqual(["job>prefix", "prefix>next"])
})
