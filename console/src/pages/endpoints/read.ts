/** What the pages of endpoints read of the wire, each in one place. */
import {
  CloudWatchClient,
  type CompositeAlarm,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  ListMetricsCommand,
  type MetricAlarm,
  type MetricDataQuery,
  type MetricDataResult,
} from "@aws-sdk/client-cloudwatch"
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  type DescribeEndpointOutput,
  DescribeModelCommand,
  ListEndpointConfigsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { moving } from "@/parts/status"
import { type Alarm, alarmsOf } from "./alarms-of"

/** An endpoint as DescribeEndpoint tells it; looked at more often while something is on its way. */
export function useEndpoint(name: string) {
  return useLive(
    ["endpoint", name],
    () => aws(SageMakerClient).send(new DescribeEndpointCommand({ EndpointName: name })),
    { every: (seen) => (moving(seen?.EndpointStatus) ? FAST_MS : SLOW_MS), keep: false },
  )
}

/** A configuration never changes: it is read once. */
export function useConfig(name: string | undefined) {
  return useLive(
    ["endpoint-config", name],
    () => aws(SageMakerClient).send(new DescribeEndpointConfigCommand({ EndpointConfigName: name })),
    { every: false, enabled: name !== undefined, keep: false },
  )
}

export const readConfigs = () =>
  all(
    (NextToken) =>
      aws(SageMakerClient).send(
        new ListEndpointConfigsCommand({ SortBy: "CreationTime", SortOrder: "Descending", MaxResults: 100, NextToken }),
      ),
    (page) => page.EndpointConfigs,
    (page) => page.NextToken,
  )

export function useModels(names: readonly string[]) {
  return useLive(
    ["models-of", ...names],
    () =>
      Promise.all(
        names.map(async (ModelName) => {
          // A model may be deleted while its endpoint goes on serving: then it is only its name.
          const model = await aws(SageMakerClient)
            .send(new DescribeModelCommand({ ModelName }))
            .catch(() => undefined)
          const containers = model?.PrimaryContainer ? [model.PrimaryContainer] : (model?.Containers ?? [])
          return { name: ModelName, model, package: containers.find((one) => one.ModelPackageName)?.ModelPackageName }
        }),
      ),
    { every: false, enabled: names.length > 0 },
  )
}

/** Answers of GetMetricData to any number of queries: 500 at a time, and all their pages. */
export async function readMetrics(
  asked: readonly MetricDataQuery[],
  from: Date,
  to: Date,
): Promise<MetricDataResult[]> {
  const found: MetricDataResult[] = []
  for (let at = 0; at < asked.length; at += 500) {
    found.push(
      ...(await all(
        (NextToken) =>
          aws(CloudWatchClient).send(
            new GetMetricDataCommand({
              MetricDataQueries: asked.slice(at, at + 500),
              StartTime: from,
              EndTime: to,
              ScanBy: "TimestampAscending",
              NextToken,
            }),
          ),
        (page) => page.MetricDataResults,
        (page) => page.NextToken,
        100_000,
      )),
    )
  }
  return found
}

/** The names of all variants that ever counted anything here, those of earlier configurations too. */
export async function readVariants(endpoint: string): Promise<string[]> {
  const metrics = await all(
    (NextToken) =>
      aws(CloudWatchClient).send(
        new ListMetricsCommand({
          Namespace: "AWS/SageMaker",
          MetricName: "Invocations",
          Dimensions: [{ Name: "EndpointName", Value: endpoint }],
          NextToken,
        }),
      ),
    (page) => page.Metrics,
    (page) => page.NextToken,
  )
  return metrics.flatMap((one) => one.Dimensions?.find((pair) => pair.Name === "VariantName")?.Value ?? [])
}

export const namesOf = (endpoint: DescribeEndpointOutput | undefined): string[] =>
  [...(endpoint?.ProductionVariants ?? []), ...(endpoint?.ShadowProductionVariants ?? [])].flatMap(
    (one) => one.VariantName ?? [],
  )

/** All alarms that look at this endpoint, and composite alarms that look at those. */
export function useAlarms(endpoint: string) {
  return useLive(["alarms-of", endpoint], async (): Promise<Alarm[]> => {
    const pages = await all(
      async (NextToken) =>
        aws(CloudWatchClient).send(
          new DescribeAlarmsCommand({ AlarmTypes: ["MetricAlarm", "CompositeAlarm"], MaxRecords: 100, NextToken }),
        ),
      (page): (MetricAlarm | CompositeAlarm)[] => [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])],
      (page) => page.NextToken,
    )
    return alarmsOf(endpoint, pages)
  })
}
