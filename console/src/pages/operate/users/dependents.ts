/** What acts as a role: pipelines, models and schedules that name it. */
import {
  DescribeModelCommand,
  DescribePipelineCommand,
  ListModelsCommand,
  ListPipelinesCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { all } from "@/aws/pages"
import { listSchedules, scheduleAt } from "../events/reads"

export type Dependent = { kind: string; name: string; to: string }

const sagemaker = () => aws(SageMakerClient)
/** So many of each kind are looked at, the newest first. */
const MOST = 300

async function there<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (isMissing(error)) return undefined // deleted since it was listed
    throw error
  }
}

export async function dependents(role: string): Promise<Dependent[]> {
  const [pipelines, models, schedules] = await Promise.all([
    all(
      (NextToken) => sagemaker().send(new ListPipelinesCommand({ NextToken, MaxResults: 100 })),
      (page) => page.PipelineSummaries,
      (page) => page.NextToken,
      MOST,
    ),
    all(
      (NextToken) => sagemaker().send(new ListModelsCommand({ NextToken, MaxResults: 100 })),
      (page) => page.Models,
      (page) => page.NextToken,
      MOST,
    ),
    listSchedules(),
  ])
  const found = await Promise.all([
    ...pipelines.map(async ({ PipelineName: name = "" }) => {
      const one = await there(sagemaker().send(new DescribePipelineCommand({ PipelineName: name })))
      return one?.RoleArn === role ? { kind: "Pipeline", name, to: `/pipelines/${name}` } : undefined
    }),
    ...models.map(async ({ ModelName: name = "" }) => {
      const one = await there(sagemaker().send(new DescribeModelCommand({ ModelName: name })))
      return one?.ExecutionRoleArn === role ? { kind: "Model", name, to: `/models/single/${name}` } : undefined
    }),
  ])
  return [
    ...found.filter((one) => one !== undefined),
    ...schedules
      .filter((one) => one.Target?.RoleArn === role)
      .map(({ Name = "", GroupName = "default" }) => ({
        kind: "Schedule",
        name: Name,
        to: scheduleAt(GroupName, Name),
      })),
  ]
}
