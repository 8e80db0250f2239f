/** The numbers that a step has left, and the documents they stand in. */
import Box from "@cloudscape-design/components/box"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { Json } from "@/parts/copy"
import { number } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import type { Step } from "./definition"
import { finalMetrics, type Metric, reportsOf } from "./metrics"
import type { StepState } from "./state"

const MOST = 40

export function StepMetrics({ step, state }: { step: Step; state: StepState }) {
  const has = step.files.length > 0 || ["Training", "Tuning"].includes(step.type)
  const { data, error, refetch } = useQuery({
    queryKey: ["pipelines", "metrics", state.listed?.Metadata, state.status],
    queryFn: async () => {
      const [reports, last] = await Promise.all([reportsOf(step, state.listed), finalMetrics(state.listed)])
      return { reports, last }
    },
    enabled: has && state.listed !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <Problem error={error} again={() => void refetch()} header="The metrics could not be read" />
  if (!data || (!data.last.length && !data.reports.length)) return null
  return (
    <SpaceBetween size="s">
      <Box variant="h3">Metrics</Box>
      <Numbers metrics={[...data.last, ...data.reports.flatMap((one) => one.metrics)]} />
      {data.reports.map((one) => (
        <ExpandableSection key={one.uri} headerText={`Property file ${one.name}`}>
          <SpaceBetween size="xs">
            <S3 uri={one.uri} />
            <Json label={`Property file ${one.name}`} value={one.document} />
          </SpaceBetween>
        </ExpandableSection>
      ))}
    </SpaceBetween>
  )
}

function Numbers({ metrics }: { metrics: Metric[] }) {
  if (!metrics.length) return <Box color="text-body-secondary">There are no numbers in its property files.</Box>
  return (
    <>
      <dl className="clary-metrics">
        {metrics.slice(0, MOST).map((one) => (
          <div key={one.name}>
            <dt className="clary-break">{one.name}</dt>
            <dd className="clary-numbers">{number(one.value)}</dd>
          </div>
        ))}
      </dl>
      {metrics.length > MOST && (
        <Box color="text-body-secondary">{metrics.length - MOST} more stand in the property files.</Box>
      )}
    </>
  )
}
