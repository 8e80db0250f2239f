/** Traffic, latency, errors, instances and what happened meanwhile: one time line of an endpoint. */
import {
  ApplicationAutoScalingClient,
  DescribeScalingActivitiesCommand,
  type ScalingActivity,
} from "@aws-sdk/client-application-auto-scaling"
import { type AlarmHistoryItem, CloudWatchClient, DescribeAlarmHistoryCommand } from "@aws-sdk/client-cloudwatch"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import type { Alarm } from "../alarms-of"
import type { Change } from "../changes"
import { measured, queries, SPANS, spanOf } from "../metrics"
import { readMetrics, readVariants } from "../read"
import { Drawing } from "./drawing"
import { Happened } from "./happened"
import { APART, lanes, TOGETHER } from "./lanes"
import { type Kind, ofActivity, ofChange, ofHistory, within } from "./marks"

/** Points of periods that are not over yet would draw a fall: what was served is told some seconds later. */
const TOLD_AFTER_MS = 6_000

async function readActivities(endpoint: string, variants: readonly string[]): Promise<ScalingActivity[]> {
  const found = await Promise.all(
    variants.map((variant) =>
      all(
        (NextToken) =>
          aws(ApplicationAutoScalingClient).send(
            new DescribeScalingActivitiesCommand({
              ServiceNamespace: "sagemaker",
              ResourceId: `endpoint/${endpoint}/variant/${variant}`,
              NextToken,
            }),
          ),
        (page) => page.ScalingActivities,
        (page) => page.NextToken,
        200,
      ),
    ),
  )
  return found.flat()
}

async function readHistory(alarms: readonly Alarm[], from: Date): Promise<AlarmHistoryItem[]> {
  const found = await Promise.all(
    alarms.map((alarm) =>
      all(
        (NextToken) =>
          aws(CloudWatchClient).send(
            new DescribeAlarmHistoryCommand({
              AlarmName: alarm.name,
              AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
              HistoryItemType: "StateUpdate",
              StartDate: from,
              MaxRecords: 100,
              NextToken,
            }),
          ),
        (page) => page.AlarmHistoryItems,
        (page) => page.NextToken,
        200,
      ),
    ),
  )
  return found.flat()
}

type Props = { endpoint: string; variants: string[]; alarms: Alarm[]; changes: Change[] }

export function TimeLine({ endpoint, variants, alarms, changes }: Props) {
  const [params, setParams] = useSearchParams()
  const span = spanOf(params.get("span"))
  const choose = (name: string, value: string, otherwise: string) =>
    setParams(
      (now) => {
        if (value === otherwise) now.delete(name)
        else now.set(name, value)
        return now
      },
      { replace: true },
    )
  const known = useLive(["endpoint-variants", endpoint], () => readVariants(endpoint), { every: 30_000 })
  const names = [...new Set([...variants, ...(known.data ?? [])])].sort()
  const seen = useLive(
    ["endpoint-metrics", endpoint, span.id, ...names],
    async () => {
      const now = Date.now()
      const grid = span.period * 1_000
      const to = Math.floor((now - TOLD_AFTER_MS) / grid) * grid
      const from = Math.floor(now / grid) * grid - span.seconds * 1_000
      const results = await readMetrics(queries(endpoint, names, span.period), new Date(from), new Date(to))
      return { found: measured(results, names, span.period), from, to: now, period: span.period }
    },
    { enabled: known.data !== undefined || known.isError },
  )
  const began = seen.data?.from
  const happened = useLive(
    ["endpoint-happened", endpoint, span.id, ...names, ...alarms.map((one) => one.name)],
    async () => {
      const from = new Date(Date.now() - span.seconds * 1_000)
      const [activities, history] = await Promise.all([readActivities(endpoint, names), readHistory(alarms, from)])
      return [...activities.map(ofActivity), ...history.map(ofHistory)]
    },
  )
  const wanted = params.get("by") ?? TOGETHER
  const mode = wanted === APART || names.includes(wanted) ? wanted : TOGETHER
  const [hidden, hide] = useState<Kind[]>([])
  const marks =
    began === undefined
      ? []
      : within([...changes.map(ofChange), ...(happened.data ?? [])], began, seen.data?.to ?? 0).filter(
          (one) => !hidden.includes(one.kind),
        )
  const options = [
    { value: TOGETHER, label: "All variants together" },
    { value: APART, label: "Variants side by side" },
    ...names.map((one) => ({ value: one, label: `Only ${one}` })),
  ]
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`Each point is ${span.period < 60 ? `${span.period} s` : `${span.period / 60} min`}. Point at an instant, or use the arrow keys, for all its values.`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {names.length > 1 && (
                <Select
                  options={options}
                  selectedOption={options.find((one) => one.value === mode) ?? null}
                  onChange={({ detail }) => choose("by", detail.selectedOption.value ?? TOGETHER, TOGETHER)}
                  ariaLabel="Which variants"
                />
              )}
              <SegmentedControl
                label="Span of time"
                selectedId={span.id}
                options={SPANS.map(({ id, text }) => ({ id, text }))}
                onChange={({ detail }) => choose("span", detail.selectedId, SPANS[0]?.id ?? "")}
              />
            </SpaceBetween>
          }
        >
          Time line
        </Header>
      }
    >
      {seen.data ? (
        <SpaceBetween size="m">
          {seen.error && <Problem error={seen.error} header="The metrics could not be read again" />}
          <Drawing
            lanes={lanes(seen.data.found, mode)}
            marks={marks}
            from={seen.data.from}
            to={seen.data.to}
            period={seen.data.period}
          />
          <Happened
            marks={marks}
            hidden={hidden}
            onHide={hide}
            error={happened.data === undefined ? happened.error : null}
            span={span.text}
          />
        </SpaceBetween>
      ) : seen.error ? (
        <Problem error={seen.error} again={() => void seen.refetch()} />
      ) : (
        <Waiting what="Reading metrics" />
      )}
    </Container>
  )
}
