/** A new configuration that is another one but for something. Pure functions. */
import type {
  CreateEndpointConfigInput,
  DataCaptureConfig,
  DescribeEndpointConfigOutput,
} from "@aws-sdk/client-sagemaker"

const MEMBERS = [
  "ProductionVariants",
  "ShadowProductionVariants",
  "KmsKeyId",
  "AsyncInferenceConfig",
  "ExplainerConfig",
  "ExecutionRoleArn",
  "VpcConfig",
  "EnableNetworkIsolation",
  "MetricsConfig",
] as const

/** At most 63 letters: the name's beginning, and when it was made. */
export function freshName(stem: string, now: number): string {
  const suffix = now.toString(36)
  return `${stem.slice(0, 62 - suffix.length).replace(/-+$/, "")}-${suffix}`
}

export function withCapture(
  config: DescribeEndpointConfigOutput,
  name: string,
  capture: DataCaptureConfig | undefined,
): CreateEndpointConfigInput {
  const kept = Object.fromEntries(
    MEMBERS.flatMap((member) => (config[member] === undefined ? [] : [[member, config[member]]])),
  ) as Omit<CreateEndpointConfigInput, "EndpointConfigName">
  return {
    ...kept,
    ProductionVariants: config.ProductionVariants,
    EndpointConfigName: name,
    ...(capture === undefined ? {} : { DataCaptureConfig: capture }),
  }
}

export type Capture = { percent: number; to: string; input: boolean; output: boolean }

/** Bodies that are text are kept as text, so that people and Model Monitor can read them. */
export const captureConfig = ({ percent, to, input, output }: Capture): DataCaptureConfig => ({
  EnableCapture: true,
  InitialSamplingPercentage: percent,
  DestinationS3Uri: to,
  CaptureOptions: [
    ...(input ? [{ CaptureMode: "Input" as const }] : []),
    ...(output ? [{ CaptureMode: "Output" as const }] : []),
  ],
  CaptureContentTypeHeader: { CsvContentTypes: ["text/csv"], JsonContentTypes: ["application/json"] },
})
