/** What the pages of jobs read. A list's cells and a job's page share one key a job, so a job is asked for once. */
import {
  DescribeHyperParameterTuningJobCommand,
  DescribeProcessingJobCommand,
  DescribeTrainingJobCommand,
  DescribeTransformJobCommand,
  ListTagsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { moving } from "@/parts/status"

export type Kind = "training" | "processing" | "transform" | "tuning"

/** How each kind is called, and where its lines go. */
export const KINDS = {
  training: { one: "training job", many: "Training jobs", group: "/aws/sagemaker/TrainingJobs" },
  processing: { one: "processing job", many: "Processing jobs", group: "/aws/sagemaker/ProcessingJobs" },
  transform: { one: "transform job", many: "Transform jobs", group: "/aws/sagemaker/TransformJobs" },
  tuning: { one: "tuning job", many: "Tuning jobs", group: "/aws/sagemaker/TrainingJobs" },
} as const

const sagemaker = () => aws(SageMakerClient)

export const READS = {
  training: (name: string) => sagemaker().send(new DescribeTrainingJobCommand({ TrainingJobName: name })),
  processing: (name: string) => sagemaker().send(new DescribeProcessingJobCommand({ ProcessingJobName: name })),
  transform: (name: string) => sagemaker().send(new DescribeTransformJobCommand({ TransformJobName: name })),
  tuning: (name: string) =>
    sagemaker().send(new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name })),
}

export const keyOf = (kind: Kind, name: string) => ["jobs", kind, "one", name]

/** One look a second while it moves; an end is final, but tags and pools may still change. */
export const pace = (status: string | undefined): number => (status === undefined || moving(status) ? FAST_MS : SLOW_MS)

export const useTraining = (name: string) =>
  useLive(keyOf("training", name), () => READS.training(name), {
    every: (seen) => pace(seen?.TrainingJobStatus),
    keep: false,
  })
export const useProcessing = (name: string) =>
  useLive(keyOf("processing", name), () => READS.processing(name), {
    every: (seen) => pace(seen?.ProcessingJobStatus),
    keep: false,
  })
export const useTransform = (name: string) =>
  useLive(keyOf("transform", name), () => READS.transform(name), {
    every: (seen) => pace(seen?.TransformJobStatus),
    keep: false,
  })
export const useTuning = (name: string) =>
  useLive(keyOf("tuning", name), () => READS.tuning(name), {
    every: (seen) => pace(seen?.HyperParameterTuningJobStatus),
    keep: false,
  })

export async function tagsOf(arn: string): Promise<{ key: string; value: string }[]> {
  const found: { key: string; value: string }[] = []
  let NextToken: string | undefined
  do {
    const page = await sagemaker().send(new ListTagsCommand({ ResourceArn: arn, NextToken }))
    for (const one of page.Tags ?? []) found.push({ key: one.Key ?? "", value: one.Value ?? "" })
    NextToken = page.NextToken
  } while (NextToken)
  return found
}

export const useTags = (arn: string | undefined) =>
  useLive(["jobs", "tags", arn], () => tagsOf(arn ?? ""), { enabled: arn !== undefined, every: false })
