/** Events as they come, to try patterns on. */

type Place = { account: string; region: string }
type Sample = {
  name: string
  pattern: object
  event: (place: Place) => { source: string; type: string; detail: object }
}

export const SAMPLES: Sample[] = [
  {
    name: "A training job failed",
    pattern: {
      source: ["aws.sagemaker"],
      "detail-type": ["SageMaker Training Job State Change"],
      detail: { TrainingJobStatus: ["Failed", "Stopped"] },
    },
    event: () => ({
      source: "aws.sagemaker",
      type: "SageMaker Training Job State Change",
      detail: { TrainingJobName: "cars-1", TrainingJobStatus: "Failed", FailureReason: "AlgorithmError: exit code 1" },
    }),
  },
  {
    name: "A model was approved",
    pattern: {
      source: ["aws.sagemaker"],
      "detail-type": ["SageMaker Model Package State Change"],
      detail: { ModelApprovalStatus: ["Approved"] },
    },
    event: () => ({
      source: "aws.sagemaker",
      type: "SageMaker Model Package State Change",
      detail: { ModelPackageGroupName: "cars", ModelPackageVersion: 3, ModelApprovalStatus: "Approved" },
    }),
  },
  {
    name: "An object came",
    pattern: {
      source: ["aws.s3"],
      "detail-type": ["Object Created"],
      detail: { bucket: { name: ["lake"] }, object: { key: [{ prefix: "raw/" }], size: [{ numeric: [">", 0] }] } },
    },
    event: () => ({
      source: "aws.s3",
      type: "Object Created",
      detail: { bucket: { name: "lake" }, object: { key: "raw/2026-11-22.csv", size: 51_200 }, reason: "PutObject" },
    }),
  },
  {
    name: "An alarm went off",
    pattern: {
      source: ["aws.cloudwatch"],
      "detail-type": ["CloudWatch Alarm State Change"],
      detail: { state: { value: ["ALARM"] } },
    },
    event: () => ({
      source: "aws.cloudwatch",
      type: "CloudWatch Alarm State Change",
      detail: { alarmName: "drift", state: { value: "ALARM" }, previousState: { value: "OK" } },
    }),
  },
]

/** The whole event, as EventBridge hands it on. */
export function sample(name: string, place: Place): object {
  const found = SAMPLES.find((one) => one.name === name)
  if (found === undefined) return {}
  const { source, type, detail } = found.event(place)
  return {
    version: "0",
    id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": type,
    source,
    account: place.account || "123456789012",
    time: "2026-11-22T14:03:59Z",
    region: place.region,
    resources: [],
    detail,
  }
}

/** A document with indents; a text that is no JSON stays as it is. */
export function pretty(document: object | string | undefined): string {
  if (document === undefined || document === "") return ""
  if (typeof document !== "string") return JSON.stringify(document, null, 2)
  try {
    return JSON.stringify(JSON.parse(document), null, 2)
  } catch {
    return document
  }
}
