/** A transform job: the model, what was sent through it, and where the answers are. */
import { type DescribeTransformJobResponse, SageMakerClient, StopTransformJobCommand } from "@aws-sdk/client-sagemaker"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useParams } from "react-router"
import { aws } from "@/aws/client"
import { Facts } from "@/parts/facts"
import { count, words } from "@/parts/format"
import { LogView } from "@/parts/log-view"
import { moving } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { JobFrame, Read } from "./frame"
import { KINDS, useTransform } from "./reads"
import { Arn, Documents, Execution, Overview as Known, Pairs, type Place, Places } from "./sections"
import { ofTransform } from "./summary"
import { Timeline, useSegments } from "./timeline"
import { stretches } from "./transitions"
import { Usage } from "./usage"

export function TransformPage() {
  const { name = "" } = useParams()
  const found = useTransform(name)
  return (
    <Read kind="transform" name={name} found={found}>
      {(job) => <Page key={name} name={name} job={job} />}
    </Read>
  )
}

function Page({ name, job }: { name: string; job: DescribeTransformJobResponse }) {
  const live = moving(job.TransformJobStatus)
  return (
    <JobFrame
      kind="transform"
      name={name}
      status={job.TransformJobStatus}
      reason={job.FailureReason}
      streams={`${name}/`}
      stop={() => aws(SageMakerClient).send(new StopTransformJobCommand({ TransformJobName: name }))}
      top={<Overview job={job} />}
      tabs={[
        {
          id: "logs",
          label: "Logs",
          content: <LogView group={KINDS.transform.group} prefix={`${name}/`} live={live} />,
        },
        { id: "data", label: "Inputs and outputs", content: <Data job={job} /> },
        { id: "parameters", label: "Parameters", content: <Parameters job={job} /> },
        {
          id: "usage",
          label: "Utilisation",
          content: (
            <Usage kind="transform" name={name} from={job.TransformStartTime} to={job.TransformEndTime} live={live} />
          ),
        },
        { id: "document", label: "Tags and document", content: <Documents arn={job.TransformJobArn} document={job} /> },
      ]}
    />
  )
}

function Overview({ job }: { job: DescribeTransformJobResponse }) {
  const way = useSegments(
    (now) =>
      stretches(
        {
          created: job.CreationTime,
          started: job.TransformStartTime,
          ended: job.TransformEndTime,
          status: job.TransformJobStatus,
        },
        now,
      ),
    moving(job.TransformJobStatus),
  )
  return (
    <SpaceBetween size="l">
      <Known
        facts={[
          [
            "Model",
            job.ModelName ? (
              <To key="model" to={`/models/single/${job.ModelName}`}>
                {job.ModelName}
              </To>
            ) : (
              "–"
            ),
          ],
          ["Instances", ofTransform(job).machines],
          ["Created", <Instant key="created" when={job.CreationTime} />],
          ["Duration", <Took key="took" from={job.CreationTime} to={job.TransformEndTime} />],
        ]}
        long={[
          ["Pipeline run", <Execution key="execution" arn={job.TransformJobArn} />],
          ["ARN", <Arn key="arn" arn={job.TransformJobArn} />],
        ]}
      />
      {way.length > 0 && <Timeline all={way} />}
    </SpaceBetween>
  )
}

function Data({ job }: { job: DescribeTransformJobResponse }) {
  const given = job.TransformInput
  const source = given?.DataSource?.S3DataSource
  const inputs: Place[] = [
    {
      name: "Input",
      uri: source?.S3Uri,
      how: [given?.ContentType, source?.S3DataType && words(source.S3DataType), split(given?.SplitType)]
        .filter(Boolean)
        .join(", "),
    },
  ]
  const outputs: Place[] = [
    {
      name: "Output",
      uri: job.TransformOutput?.S3OutputPath,
      how:
        [job.TransformOutput?.Accept, assembled(job.TransformOutput?.AssembleWith)].filter(Boolean).join(", ") ||
        undefined,
    },
  ]
  if (job.DataCaptureConfig?.DestinationS3Uri)
    outputs.push({
      name: "Captured",
      uri: job.DataCaptureConfig.DestinationS3Uri,
      how: "Manifests of inputs and outputs",
    })
  return (
    <SpaceBetween size="l">
      <Places title="Inputs" rows={inputs} none="It reads nothing" />
      <Places title="Outputs" rows={outputs} none="It stores nothing" />
    </SpaceBetween>
  )
}

const split = (type: string | undefined) => (!type || type === "None" ? "whole objects" : `split by ${type}`)
const assembled = (type: string | undefined) => (type === "Line" ? "a line an answer" : undefined)

function Parameters({ job }: { job: DescribeTransformJobResponse }) {
  const data = job.DataProcessing
  return (
    <SpaceBetween size="l">
      <Container header={<Header>How it sends</Header>}>
        <Facts
          facts={[
            ["Batch strategy", job.BatchStrategy ? words(job.BatchStrategy) : "The model's own"],
            [
              "Requests at once",
              job.MaxConcurrentTransforms === undefined ? "The model's own" : count(job.MaxConcurrentTransforms),
            ],
            [
              "Largest request",
              job.MaxPayloadInMB === undefined ? "The model's own" : `${count(job.MaxPayloadInMB)} MB`,
            ],
            [
              "Tries again",
              job.ModelClientConfig?.InvocationsMaxRetries === undefined
                ? "3 times"
                : `${job.ModelClientConfig.InvocationsMaxRetries} times`,
            ],
            ["Input filter", data?.InputFilter],
            ["Joined with", data?.JoinSource],
            ["Output filter", data?.OutputFilter],
          ]}
        />
      </Container>
      <Pairs title="Environment" of={job.Environment} none="No variables of its own" />
    </SpaceBetween>
  )
}
