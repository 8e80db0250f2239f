/** A processing job: its program, what it read and what it wrote. */
import {
  type DescribeProcessingJobResponse,
  type ProcessingInput,
  SageMakerClient,
  StopProcessingJobCommand,
} from "@aws-sdk/client-sagemaker"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { aws } from "@/aws/client"
import { nameOf, words } from "@/parts/format"
import { LogView } from "@/parts/log-view"
import { moving } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { JobFrame, Read } from "./frame"
import { KINDS, useProcessing } from "./reads"
import { Arn, Documents, Execution, Overview as Known, Pairs, type Place, Places, Role, Whole } from "./sections"
import { ofProcessing } from "./summary"
import { Timeline, useSegments } from "./timeline"
import { limit } from "./training-page"
import { stretches } from "./transitions"
import { Usage } from "./usage"

export function ProcessingPage() {
  const { name = "" } = useParams()
  const found = useProcessing(name)
  return (
    <Read kind="processing" name={name} found={found}>
      {(job) => <Page key={name} name={name} job={job} />}
    </Read>
  )
}

function Page({ name, job }: { name: string; job: DescribeProcessingJobResponse }) {
  const live = moving(job.ProcessingJobStatus)
  return (
    <JobFrame
      kind="processing"
      name={name}
      status={job.ProcessingJobStatus}
      reason={job.FailureReason}
      streams={`${name}/`}
      stop={() => aws(SageMakerClient).send(new StopProcessingJobCommand({ ProcessingJobName: name }))}
      top={<Overview job={job} />}
      tabs={[
        {
          id: "logs",
          label: "Logs",
          content: <LogView group={KINDS.processing.group} prefix={`${name}/`} live={live} />,
        },
        { id: "data", label: "Inputs and outputs", content: <Data job={job} /> },
        {
          id: "parameters",
          label: "Parameters",
          content: <Pairs title="Environment" of={job.Environment} none="No variables of its own" />,
        },
        {
          id: "usage",
          label: "Utilisation",
          content: (
            <Usage
              kind="processing"
              name={name}
              from={job.ProcessingStartTime}
              to={job.ProcessingEndTime}
              live={live}
            />
          ),
        },
        {
          id: "document",
          label: "Tags and document",
          content: <Documents arn={job.ProcessingJobArn} document={job} />,
        },
      ]}
    />
  )
}

function Overview({ job }: { job: DescribeProcessingJobResponse }) {
  const summary = ofProcessing(job)
  const way = useSegments(
    (now) =>
      stretches(
        {
          created: job.CreationTime,
          started: job.ProcessingStartTime,
          ended: job.ProcessingEndTime,
          status: job.ProcessingJobStatus,
        },
        now,
      ),
    moving(job.ProcessingJobStatus),
  )
  const app = job.AppSpecification
  const command = [...(app?.ContainerEntrypoint ?? []), ...(app?.ContainerArguments ?? [])].join(" ")
  const facts: [string, React.ReactNode][] = [
    ["Program", summary.what],
    ["Instances", summary.machines],
    ["Created", <Instant key="created" when={job.CreationTime} />],
    ["Duration", <Took key="took" from={job.CreationTime} to={job.ProcessingEndTime} />],
    ["May run", limit(job.StoppingCondition?.MaxRuntimeInSeconds)],
    ["Role", <Role key="role" arn={job.RoleArn} />],
    ["Exit message", job.ExitMessage],
  ]
  if (job.TrainingJobArn) {
    const training = nameOf(job.TrainingJobArn)
    facts.push([
      "Training job",
      <To key="training" to={`/jobs/training/${training}`}>
        {training}
      </To>,
    ])
  }
  if (job.MonitoringScheduleArn) facts.push(["Monitoring schedule", nameOf(job.MonitoringScheduleArn)])
  const long: [string, React.ReactNode][] = [
    ["Command", command ? <Whole key="command" text={command} /> : "The image's own"],
    ["Pipeline run", <Execution key="execution" arn={job.ProcessingJobArn} />],
    ["Image", <Whole key="image" text={app?.ImageUri} />],
    ["ARN", <Arn key="arn" arn={job.ProcessingJobArn} />],
  ]
  return (
    <SpaceBetween size="l">
      <Known facts={facts} long={long} />
      {way.length > 0 && <Timeline all={way} />}
    </SpaceBetween>
  )
}

function input(one: ProcessingInput): Place {
  const dataset = one.DatasetDefinition
  const queried = dataset?.AthenaDatasetDefinition
    ? "Athena"
    : dataset?.RedshiftDatasetDefinition
      ? "Redshift"
      : undefined
  return {
    name: one.InputName ?? "",
    uri: one.S3Input?.S3Uri ?? dataset?.AthenaDatasetDefinition?.OutputS3Uri,
    local: one.S3Input?.LocalPath ?? dataset?.LocalPath,
    how:
      queried ?? [one.S3Input?.S3DataType, one.S3Input?.S3DataDistributionType].filter(Boolean).map(words).join(", "),
  }
}

function Data({ job }: { job: DescribeProcessingJobResponse }) {
  const outputs = (job.ProcessingOutputConfig?.Outputs ?? []).map(
    (one): Place => ({
      name: one.OutputName ?? "",
      uri: one.S3Output?.S3Uri,
      local: one.S3Output?.LocalPath,
      how: one.FeatureStoreOutput
        ? `Feature group ${one.FeatureStoreOutput.FeatureGroupName}`
        : words(one.S3Output?.S3UploadMode),
    }),
  )
  return (
    <SpaceBetween size="l">
      <Places title="Inputs" rows={(job.ProcessingInputs ?? []).map(input)} none="It reads nothing from S3" />
      <Places title="Outputs" rows={outputs} none="It stores nothing in S3" />
    </SpaceBetween>
  )
}
