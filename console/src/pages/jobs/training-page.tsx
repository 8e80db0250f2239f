/** A training job: how far it is, what it told, what it made. */
import {
  type Channel,
  DeleteTrainingJobCommand,
  type DescribeTrainingJobResponse,
  SageMakerClient,
  StopTrainingJobCommand,
} from "@aws-sdk/client-sagemaker"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { aws } from "@/aws/client"
import { duration, nameOf, words } from "@/parts/format"
import { LogView } from "@/parts/log-view"
import { S3 } from "@/parts/s3"
import { moving } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { JobFrame, Read } from "./frame"
import { Metrics } from "./metrics"
import { KINDS, useTraining } from "./reads"
import { Arn, Documents, Execution, Overview as Known, Pairs, type Place, Places, Role, Whole } from "./sections"
import { ofTraining } from "./summary"
import { Timeline, useSegments } from "./timeline"
import { segments } from "./transitions"
import { Usage } from "./usage"

export function TrainingPage() {
  const { name = "" } = useParams()
  const found = useTraining(name)
  return (
    <Read kind="training" name={name} found={found}>
      {(job) => <Page key={name} name={name} job={job} />}
    </Read>
  )
}

function Page({ name, job }: { name: string; job: DescribeTrainingJobResponse }) {
  const live = moving(job.TrainingJobStatus)
  const waits = live && job.SecondaryStatus ? words(job.SecondaryStatus) : undefined
  return (
    <JobFrame
      kind="training"
      name={name}
      status={job.TrainingJobStatus}
      said={waits}
      reason={job.FailureReason}
      streams={`${name}/`}
      stop={() => aws(SageMakerClient).send(new StopTrainingJobCommand({ TrainingJobName: name }))}
      remove={() => aws(SageMakerClient).send(new DeleteTrainingJobCommand({ TrainingJobName: name }))}
      top={<Overview job={job} />}
      tabs={[
        { id: "metrics", label: "Metrics", content: <Metrics job={job} live={live} /> },
        {
          id: "logs",
          label: "Logs",
          content: <LogView group={KINDS.training.group} prefix={`${name}/`} live={live} />,
        },
        { id: "data", label: "Inputs and outputs", content: <Data job={job} /> },
        { id: "parameters", label: "Parameters", content: <Parameters job={job} /> },
        {
          id: "usage",
          label: "Utilisation",
          content: (
            <Usage kind="training" name={name} from={job.TrainingStartTime} to={job.TrainingEndTime} live={live} />
          ),
        },
        { id: "document", label: "Tags and document", content: <Documents arn={job.TrainingJobArn} document={job} /> },
      ]}
    />
  )
}

function Overview({ job }: { job: DescribeTrainingJobResponse }) {
  const summary = ofTraining(job)
  const live = moving(job.TrainingJobStatus)
  const way = useSegments((now) => segments(job.SecondaryStatusTransitions, now), live)
  const tuning = job.TuningJobArn ? nameOf(job.TuningJobArn) : ""
  const experiment = job.ExperimentConfig
  const facts: [string, React.ReactNode][] = [
    ["Algorithm", summary.what],
    ["Instances", summary.machines],
    ["Created", <Instant key="created" when={job.CreationTime} />],
    ["Duration", <Took key="took" from={job.CreationTime} to={job.TrainingEndTime} />],
    ["Billable time", job.BillableTimeInSeconds === undefined ? "–" : duration(job.BillableTimeInSeconds * 1_000)],
    ["May run", limit(job.StoppingCondition?.MaxRuntimeInSeconds)],
    ["Role", <Role key="role" arn={job.RoleArn} />],
    [
      "Tuning job",
      tuning ? (
        <To key="tuning" to={`/jobs/tuning/${tuning}`}>
          {tuning}
        </To>
      ) : (
        "–"
      ),
    ],
  ]
  if (experiment?.ExperimentName || experiment?.TrialName)
    facts.push(["Experiment", [experiment.ExperimentName, experiment.TrialName].filter(Boolean).join(" · ")])
  if (job.WarmPoolStatus?.Status) facts.push(["Warm pool", words(job.WarmPoolStatus.Status)])
  if (job.EnableManagedSpotTraining) facts.push(["Spot", "Managed spot training"])
  const long: [string, React.ReactNode][] = [
    ["Model", <S3 key="model" uri={job.ModelArtifacts?.S3ModelArtifacts} />],
    ["Pipeline run", <Execution key="execution" arn={job.TrainingJobArn} />],
    ["Image", <Whole key="image" text={job.AlgorithmSpecification?.TrainingImage} />],
    ["ARN", <Arn key="arn" arn={job.TrainingJobArn} />],
  ]
  return (
    <SpaceBetween size="l">
      <Known facts={facts} long={long} />
      {way.length > 0 && <Timeline all={way} />}
    </SpaceBetween>
  )
}

export const limit = (seconds: number | undefined): string =>
  seconds === undefined ? "–" : `at most ${duration(seconds * 1_000)}`

function input(channel: Channel): Place {
  const s3 = channel.DataSource?.S3DataSource
  const how = [
    channel.ContentType,
    s3?.S3DataType && words(s3.S3DataType),
    s3?.S3DataDistributionType && words(s3.S3DataDistributionType),
  ]
  return {
    name: channel.ChannelName ?? "",
    uri: s3?.S3Uri,
    local: `/opt/ml/input/data/${channel.ChannelName}`,
    how: how.filter(Boolean).join(", ") || undefined,
  }
}

function Data({ job }: { job: DescribeTrainingJobResponse }) {
  const outputs: Place[] = [
    {
      name: "Model",
      uri: job.ModelArtifacts?.S3ModelArtifacts,
      local: "/opt/ml/model",
      how: job.OutputDataConfig?.CompressionType,
    },
    { name: "Output path", uri: job.OutputDataConfig?.S3OutputPath, local: "/opt/ml/output/data" },
  ]
  if (job.CheckpointConfig?.S3Uri) {
    outputs.push({
      name: "Checkpoints",
      uri: job.CheckpointConfig.S3Uri,
      local: job.CheckpointConfig.LocalPath ?? "/opt/ml/checkpoints",
      how: "Stored while it runs",
    })
  }
  return (
    <SpaceBetween size="l">
      <Places title="Inputs" rows={(job.InputDataConfig ?? []).map(input)} none="It reads no data" />
      <Places title="Outputs" rows={outputs} none="It leaves nothing" />
    </SpaceBetween>
  )
}

function Parameters({ job }: { job: DescribeTrainingJobResponse }) {
  return (
    <SpaceBetween size="l">
      <Pairs title="Hyperparameters" of={job.HyperParameters} none="No hyperparameters" />
      <Pairs title="Environment" of={job.Environment} none="No variables of its own" />
    </SpaceBetween>
  )
}
