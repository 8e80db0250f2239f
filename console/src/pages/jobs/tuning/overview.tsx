/** What a tuning job is, how its training jobs stand, and the best of them. */
import type {
  DescribeHyperParameterTuningJobResponse,
  HyperParameterTrainingJobSummary,
} from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator"
import { Facts } from "@/parts/facts"
import { count, duration, number, words } from "@/parts/format"
import { Instant, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { Arn, Execution, Overview as Known } from "../sections"
import { ofTuning } from "../summary"
import { objectiveOf } from "./trials"

export function Overview({ job }: { job: DescribeHyperParameterTuningJobResponse }) {
  const summary = ofTuning(job)
  const config = job.HyperParameterTuningJobConfig
  const objective = objectiveOf(job)
  const limits = config?.ResourceLimits
  const overall = job.OverallBestTrainingJob
  return (
    <SpaceBetween size="l">
      <ColumnLayout columns={2}>
        <Container fitHeight header={<Header>Training jobs</Header>}>
          <Counters job={job} />
        </Container>
        <Container fitHeight header={<Header>Best training job</Header>}>
          <Best of={job.BestTrainingJob} />
          {overall && overall.TrainingJobName !== job.BestTrainingJob?.TrainingJobName && (
            <Box margin={{ top: "m" }}>
              <Box variant="awsui-key-label">Best of all, its parents' too</Box>
              <To to={`/jobs/training/${overall.TrainingJobName}`}>{overall.TrainingJobName}</To>:{" "}
              {number(overall.FinalHyperParameterTuningJobObjectiveMetric?.Value)}
            </Box>
          )}
        </Container>
      </ColumnLayout>
      <Known
        facts={[
          ["Objective", objective ? `${objective.Type} ${objective.MetricName}` : undefined],
          ["Strategy", config?.Strategy],
          ["Algorithm", summary.what],
          ["Instances", summary.machines],
          [
            "Training jobs",
            `${count(limits?.MaxNumberOfTrainingJobs)}, ${count(limits?.MaxParallelTrainingJobs)} at once`,
          ],
          ["Stops early", config?.TrainingJobEarlyStoppingType],
          ["Created", <Instant key="created" when={job.CreationTime} />],
          ["Duration", <Took key="took" from={job.CreationTime} to={job.HyperParameterTuningEndTime} />],
          [
            "Used in all",
            job.ConsumedResources?.RuntimeInSeconds === undefined
              ? undefined
              : duration(job.ConsumedResources.RuntimeInSeconds * 1_000),
          ],
          ["Random seed", config?.RandomSeed === undefined ? undefined : String(config.RandomSeed)],
          ...warm(job),
        ]}
        long={[
          ["Pipeline run", <Execution key="execution" arn={job.HyperParameterTuningJobArn} />],
          ["ARN", <Arn key="arn" arn={job.HyperParameterTuningJobArn} />],
        ]}
      />
    </SpaceBetween>
  )
}

/** The parents whose trials it knows, where there are some. */
function warm(job: DescribeHyperParameterTuningJobResponse): [string, React.ReactNode][] {
  const parents = job.WarmStartConfig?.ParentHyperParameterTuningJobs ?? []
  if (parents.length === 0) return []
  const links = parents.map(({ HyperParameterTuningJobName: parent }) => (
    <To key={parent} to={`/jobs/tuning/${parent}`}>
      {parent}
    </To>
  ))
  return [
    [
      `Warm start (${words(job.WarmStartConfig?.WarmStartType).toLowerCase()})`,
      <SpaceBetween key="parents" size="xxs">
        {links}
      </SpaceBetween>,
    ],
  ]
}

function Counters({ job }: { job: DescribeHyperParameterTuningJobResponse }) {
  const jobs = job.TrainingJobStatusCounters
  const told = job.ObjectiveStatusCounters
  const shown: [string, StatusIndicatorProps.Type, number | undefined][] = [
    ["Completed", "success", jobs?.Completed],
    ["In progress", "in-progress", jobs?.InProgress],
    ["Stopped", "stopped", jobs?.Stopped],
    ["Failed", "error", (jobs?.NonRetryableError ?? 0) + (jobs?.RetryableError ?? 0)],
    ["Told an objective", "success", told?.Succeeded],
    ["Told none", "warning", told?.Failed],
  ]
  return (
    <Facts
      columns={3}
      facts={shown.map(([label, type, value]) => [
        label,
        <StatusIndicator key={label} type={value ? type : "info"} colorOverride={value ? undefined : "grey"}>
          {count(value)}
        </StatusIndicator>,
      ])}
    />
  )
}

function Best({ of }: { of: HyperParameterTrainingJobSummary | undefined }) {
  const metric = of?.FinalHyperParameterTuningJobObjectiveMetric
  if (!of?.TrainingJobName) return <Box color="text-body-secondary">None has told its objective yet.</Box>
  return (
    <Facts
      columns={3}
      facts={[
        [metric?.MetricName ?? "Objective", <b key="value">{number(metric?.Value)}</b>],
        ...Object.entries(of.TunedHyperParameters ?? {}).map(([name, value]): [string, React.ReactNode] => [
          name,
          <span key={name} className="clary-numbers" title={value}>
            {Number.isFinite(Number(value)) && value !== "" ? number(Number(value)) : value}
          </span>,
        ]),
        [
          "Training job",
          <span key="job" className="clary-break">
            <To to={`/jobs/training/${of.TrainingJobName}`}>{of.TrainingJobName}</To>
          </span>,
        ],
      ]}
    />
  )
}
