/** The queue of an asynchronous endpoint: what waits, how long, and what became of the rest. */
import type { AsyncInferenceConfig } from "@aws-sdk/client-sagemaker"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useLive } from "@/aws/live"
import { Chart } from "@/parts/chart"
import { Facts } from "@/parts/facts"
import { count, duration } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import { folder } from "./captured/places"
import { last, points, total } from "./metrics"
import { readMetrics, readVariants } from "./read"

const HOUR_MS = 3_600_000
const QUEUE = ["ApproximateBacklogSize", "ApproximateAgeOfOldestRequest", "HasBacklogWithoutCapacity"] as const
const DONE = ["InvocationsProcessed", "InvocationFailures", "ExpiredRequests"] as const

async function readBacklog(endpoint: string) {
  const to = Math.floor(Date.now() / 60_000) * 60_000 + 60_000
  const variants = await readVariants(endpoint)
  const metric = (Id: string, MetricName: string, Stat: string, Period: number, variant?: string) => ({
    Id,
    MetricStat: {
      Metric: {
        Namespace: "AWS/SageMaker",
        MetricName,
        Dimensions: [
          { Name: "EndpointName", Value: endpoint },
          ...(variant === undefined ? [] : [{ Name: "VariantName", Value: variant }]),
        ],
      },
      Period,
      Stat,
    },
  })
  const results = await readMetrics(
    [
      ...QUEUE.map((name, at) => metric(`q${at}`, name, "Maximum", 60)),
      ...variants.flatMap((variant, which) =>
        DONE.map((name, at) => metric(`d${at}_${which}`, name, "Sum", 3_600, variant)),
      ),
    ],
    new Date(to - HOUR_MS),
    new Date(to),
  )
  const line = (id: string) => points(results.find((one) => one.Id === id))
  return {
    queue: QUEUE.map((_, at) => line(`q${at}`)),
    done: DONE.map((_, at) => total(variants.flatMap((_, which) => line(`d${at}_${which}`)))),
  }
}

export function Backlog({ endpoint, config }: { endpoint: string; config: AsyncInferenceConfig }) {
  const { data, error } = useLive(["endpoint-backlog", endpoint], () => readBacklog(endpoint))
  const [size = [], age = [], without = []] = data?.queue ?? []
  const [processed, failed, expired] = data?.done ?? []
  const waits = last(without)
  const oldest = last(age)
  return (
    <Container header={<Header variant="h2">Queue of asynchronous requests</Header>}>
      <SpaceBetween size="m">
        {error && <Problem error={error} />}
        <Facts
          facts={[
            ["Waiting and under way", count(last(size))],
            ["Oldest waits since", duration(oldest === undefined ? undefined : oldest * 1_000)],
            ["Waits without an instance", waits === undefined ? undefined : waits > 0 ? "Yes" : "No"],
            ["Answered in the last hour", count(processed)],
            ["Failed in the last hour", count(failed)],
            ["Expired in the last hour", count(expired)],
            ["Results go to", <S3 key="out" uri={folder(config.OutputConfig?.S3OutputPath)} />],
            ["Failures go to", <S3 key="bad" uri={folder(config.OutputConfig?.S3FailurePath)} />],
          ]}
        />
        <Chart
          label="Requests in the queue over the last hour"
          height={140}
          series={[{ title: "Backlog", points: size.map(({ x, y }) => ({ x: new Date(x), y })) }]}
          empty="The queue was not measured yet"
        />
      </SpaceBetween>
    </Container>
  )
}
