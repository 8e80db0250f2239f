/** Metrics of a training job: what it told last, and the curves, value by value or over time. */
import type { DescribeTrainingJobResponse } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { FAST_MS, useLive } from "@/aws/live"
import { Chart, type Series } from "@/parts/chart"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { count, number } from "@/parts/format"
import { MOST_LINES, useLines } from "@/parts/log-view"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { type Curve, curves, definitions, families, thinned } from "./curves"
import { KINDS } from "./reads"
import { timeSeries } from "./series"

type Props = { job: DescribeTrainingJobResponse; live: boolean }

export function Metrics({ job, live }: Props) {
  const final = (job.FinalMetricDataList ?? []).flatMap((one) => (one.MetricName ? [one] : []))
  return (
    <SpaceBetween size="l">
      {final.length > 0 && (
        <Container header={<Header description="The last value that the job told of each">Final metrics</Header>}>
          <Facts
            facts={final.map((one) => [
              one.MetricName ?? "",
              <Box key={one.MetricName} variant="awsui-value-large">
                <span className="clary-numbers">{number(one.Value)}</span>
              </Box>,
            ])}
          />
        </Container>
      )}
      <Curves job={job} live={live} />
    </SpaceBetween>
  )
}

function Curves({ job, live }: Props) {
  const name = job.TrainingJobName ?? ""
  const { lines, error, read } = useLines({ group: KINDS.training.group, prefix: `${name}/` }, live)
  const wanted = definitions(job.AlgorithmSpecification?.MetricDefinitions)
  const told = curves(lines, wanted)
  const long = lines.length >= MOST_LINES
  const [chosen, setBy] = useState<"step" | "time" | null>(null)
  const by = chosen ?? (long ? "time" : "step")
  if (error) return <Problem error={new Error(error)} />
  if (!read) return <Waiting what="Reading metrics" />
  if (wanted.length === 0 || told.length === 0) {
    return (
      <Empty title={live && wanted.length ? "No value has been told yet" : "No metric was told"}>
        {wanted.length === 0
          ? "Name what the program prints in AlgorithmSpecification.MetricDefinitions: a Name, and a Regex whose group is the value."
          : `No line matched the ${wanted.length === 1 ? "definition" : "definitions"} of ${wanted
              .slice(0, 3)
              .map((one) => one.name)
              .join(", ")}${wanted.length > 3 ? ", …" : ""}.`}
      </Empty>
    )
  }
  return (
    <Container
      header={
        <Header
          description={
            by === "step" && long
              ? `Read from the newest ${count(MOST_LINES)} of the job's lines; by time they are whole`
              : live
                ? "Read from the job's lines as they come"
                : "Read from the job's lines"
          }
          actions={
            <SegmentedControl
              label="Against what"
              selectedId={by}
              onChange={({ detail }) => setBy(detail.selectedId === "time" ? "time" : "step")}
              options={[
                { id: "step", text: "By value" },
                { id: "time", text: "By time" },
              ]}
            />
          }
        >
          Curves
        </Header>
      }
    >
      {by === "step" ? <ByStep told={told} /> : <ByTime job={job} names={told.map((one) => one.name)} live={live} />}
    </Container>
  )
}

/** Of a job on several hosts each host's values are a line of their own. */
function lines(curve: Curve): Series<number>[] {
  const streams = [...new Set(curve.values.map((one) => one.stream))]
  return streams.map((stream) => ({
    title: streams.length > 1 ? `${curve.name} (${stream.split("/").at(-1)?.replace(/-\d+$/, "")})` : curve.name,
    points: thinned(
      curve.values.filter((one) => one.stream === stream).map(({ value }, at) => ({ x: at + 1, y: value })),
    ),
  }))
}

function ByStep({ told }: { told: Curve[] }) {
  const groups = families(told.map((one) => one.name))
  return (
    <ColumnLayout columns={groups.length > 1 ? 2 : 1}>
      {groups.map(([group, names]) => (
        <Chart
          key={group}
          series={told.filter((one) => names.includes(one.name)).flatMap(lines)}
          label={`${group} by value`}
          x="Value told"
          y={group}
        />
      ))}
    </ColumnLayout>
  )
}

function ByTime({ job, names, live }: { job: DescribeTrainingJobResponse; names: string[]; live: boolean }) {
  const name = job.TrainingJobName ?? ""
  const from = job.TrainingStartTime ?? job.CreationTime
  const found = useLive(
    ["jobs", "training", "curves", name, names],
    () =>
      timeSeries(
        names.map((metric, at) => ({
          id: `m${at}`,
          title: metric,
          namespace: "/aws/sagemaker/TrainingJobs",
          metric,
          dimension: ["TrainingJobName", name],
        })),
        { from: from ?? new Date(), to: job.TrainingEndTime },
        1,
      ),
    { every: live ? FAST_MS * 2 : false, enabled: from !== undefined },
  )
  if (found.error) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what="Reading metrics" />
  return (
    <ColumnLayout columns={families(names).length > 1 ? 2 : 1}>
      {families(names).map(([group, members]) => (
        <Chart
          key={group}
          series={found.data.filter((one) => members.includes(one.title))}
          label={`${group} over time`}
          y={group}
          empty="CloudWatch has no value of it in this time"
        />
      ))}
    </ColumnLayout>
  )
}
