/** One page of a list of jobs, as the server filters, sorts and pages it. */
import {
  type HyperParameterTuningJobSummary,
  ListHyperParameterTuningJobsCommand,
  ListProcessingJobsCommand,
  ListTrainingJobsCommand,
  ListTransformJobsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import type { Kind } from "./reads"

export type Row = {
  name: string
  status: string
  /** What a training job is doing just now. */
  stage?: string
  created?: Date
  ended?: Date
  tuning?: HyperParameterTuningJobSummary
}

export type SortBy = "Name" | "CreationTime" | "Status"
export type Asked = { text: string; status: string; sortBy: SortBy; descending: boolean; token?: string }
export type Page = { rows: Row[]; next?: string }

export const STATUSES = ["InProgress", "Completed", "Failed", "Stopping", "Stopped"] as const
export const PAGE_SIZE = 25

export async function readPage(kind: Kind, asked: Asked): Promise<Page> {
  const status = STATUSES.find((one) => one === asked.status)
  const common = {
    MaxResults: PAGE_SIZE,
    SortBy: asked.sortBy,
    SortOrder: asked.descending ? ("Descending" as const) : ("Ascending" as const),
    ...(asked.text ? { NameContains: asked.text } : {}),
    ...(status ? { StatusEquals: status } : {}),
    ...(asked.token ? { NextToken: asked.token } : {}),
  }
  const client = aws(SageMakerClient)
  if (kind === "training") {
    const page = await client.send(new ListTrainingJobsCommand(common))
    return {
      next: page.NextToken,
      rows: (page.TrainingJobSummaries ?? []).map((one) => ({
        name: one.TrainingJobName ?? "",
        status: one.TrainingJobStatus ?? "",
        stage: one.TrainingJobStatus === "InProgress" ? one.SecondaryStatus : undefined,
        created: one.CreationTime,
        ended: one.TrainingEndTime,
      })),
    }
  }
  if (kind === "processing") {
    const page = await client.send(new ListProcessingJobsCommand(common))
    return {
      next: page.NextToken,
      rows: (page.ProcessingJobSummaries ?? []).map((one) => ({
        name: one.ProcessingJobName ?? "",
        status: one.ProcessingJobStatus ?? "",
        created: one.CreationTime,
        ended: one.ProcessingEndTime,
      })),
    }
  }
  if (kind === "transform") {
    const page = await client.send(new ListTransformJobsCommand(common))
    return {
      next: page.NextToken,
      rows: (page.TransformJobSummaries ?? []).map((one) => ({
        name: one.TransformJobName ?? "",
        status: one.TransformJobStatus ?? "",
        created: one.CreationTime,
        ended: one.TransformEndTime,
      })),
    }
  }
  const page = await client.send(new ListHyperParameterTuningJobsCommand(common))
  return {
    next: page.NextToken,
    rows: (page.HyperParameterTuningJobSummaries ?? []).map((one) => ({
      name: one.HyperParameterTuningJobName ?? "",
      status: one.HyperParameterTuningJobStatus ?? "",
      created: one.CreationTime,
      ended: one.HyperParameterTuningEndTime,
      tuning: one,
    })),
  }
}
