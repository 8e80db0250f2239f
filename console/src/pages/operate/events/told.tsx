/** How often a rule or a group of schedules did something lately, as CloudWatch counted it. */
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { useLive } from "@/aws/live"
import { Chart } from "@/parts/chart"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { consoleHref, useFollow } from "@/shell/link"
import { type MetricPick, written } from "../metrics/picks"
import { tick } from "../metrics/ranges"
import { lines } from "../metrics/reads"

type Props = {
  title?: string
  namespace: string
  dimensions: [string, string][]
  metrics: readonly string[]
  empty: string
}

const SECONDS = 3 * 3_600

export function Told({ title = "Lately", namespace, dimensions, metrics, empty }: Props) {
  const follow = useFollow()
  const picks = metrics.map(
    (metric, at): MetricPick => ({ id: `m${at + 1}`, namespace, metric, dimensions, stat: "Sum" }),
  )
  const { data, error, refetch } = useLive(["events", "told", namespace, dimensions, metrics], async () => {
    const to = new Date(Math.ceil(Date.now() / 60_000) * 60_000)
    const from = new Date(to.getTime() - SECONDS * 1_000)
    return { from, to, lines: await lines(picks, 60, from, to) }
  })
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A minute, over the last three hours"
          actions={
            <Button
              href={consoleHref(
                `/operate/metrics?${new URLSearchParams([...picks.map((one) => ["m", written(one)]), ["range", "3h"]])}`,
              )}
              onFollow={follow}
            >
              Open in metrics
            </Button>
          }
        >
          {title}
        </Header>
      }
    >
      {error ? (
        <Problem error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what="Reading metrics" />
      ) : (
        <Chart
          label={title}
          domain={[data.from, data.to]}
          tick={(when) => tick(when, SECONDS)}
          empty={empty}
          series={picks.map((one) => ({
            title: one.metric,
            points: data.lines.find((line) => line.id === one.id)?.values ?? [],
          }))}
        />
      )}
    </Container>
  )
}
