/** A tuning job: what was tried, what came of it, and which was best. */
import {
  DeleteHyperParameterTuningJobCommand,
  type DescribeHyperParameterTuningJobResponse,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  SageMakerClient,
  StopHyperParameterTuningJobCommand,
} from "@aws-sdk/client-sagemaker"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { moving } from "@/parts/status"
import { JobFrame, Read } from "../frame"
import { useTuning } from "../reads"
import { Documents, Pairs } from "../sections"
import { Overview } from "./overview"
import { Ranges } from "./ranges"
import { trialOf } from "./trials"
import { Trials } from "./trials-tab"
import "./tuning.css"

export function TuningPage() {
  const { name = "" } = useParams()
  const found = useTuning(name)
  return (
    <Read kind="tuning" name={name} found={found}>
      {(job) => <Page key={name} name={name} job={job} />}
    </Read>
  )
}

const readTrials = (name: string) =>
  all(
    (NextToken) =>
      aws(SageMakerClient).send(
        new ListTrainingJobsForHyperParameterTuningJobCommand({
          HyperParameterTuningJobName: name,
          MaxResults: 100,
          NextToken,
        }),
      ),
    (page) => page.TrainingJobSummaries,
    (page) => page.NextToken,
  ).then((found) => found.map(trialOf))

function Page({ name, job }: { name: string; job: DescribeHyperParameterTuningJobResponse }) {
  const live = moving(job.HyperParameterTuningJobStatus)
  const trials = useLive(["jobs", "tuning", "trials", name], () => readTrials(name), {
    every: live ? FAST_MS : SLOW_MS,
    keep: false,
  })
  const definitions = job.TrainingJobDefinition ? [job.TrainingJobDefinition] : (job.TrainingJobDefinitions ?? [])
  return (
    <JobFrame
      kind="tuning"
      name={name}
      status={job.HyperParameterTuningJobStatus}
      reason={job.FailureReason}
      stop={() =>
        aws(SageMakerClient).send(new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }))
      }
      remove={() =>
        aws(SageMakerClient).send(new DeleteHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }))
      }
      top={<Overview job={job} />}
      tabs={[
        {
          id: "trials",
          label: "Training jobs",
          content: (
            <Trials
              job={job}
              trials={trials.data}
              error={trials.error}
              again={() => void trials.refetch()}
              live={live}
            />
          ),
        },
        {
          id: "parameters",
          label: "Parameters",
          content: (
            <SpaceBetween size="l">
              <Ranges job={job} />
              {definitions.map((one, at) => (
                <Pairs
                  key={one.DefinitionName ?? at}
                  title={
                    one.DefinitionName ? `Static hyperparameters of ${one.DefinitionName}` : "Static hyperparameters"
                  }
                  of={one.StaticHyperParameters}
                  none="None"
                />
              ))}
            </SpaceBetween>
          ),
        },
        {
          id: "document",
          label: "Tags and document",
          content: <Documents arn={job.HyperParameterTuningJobArn} document={job} />,
        },
      ]}
    />
  )
}
