/** What an alarm looks at, over time, with its threshold. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { colorChartsPaletteCategorical1, colorChartsStatusCritical } from "@cloudscape-design/design-tokens"
import type { ReactNode } from "react"
import { useLive } from "@/aws/live"
import { Chart } from "@/parts/chart"
import { duration, number } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { type Pick, queriesOf, titleOf } from "../metrics/picks"
import { tick } from "../metrics/ranges"
import { lines } from "../metrics/reads"

type Props = { picks: Pick[]; period: number; threshold: number | undefined; periods: number; actions?: ReactNode }

/** Two hundred periods, but an hour at least and a week at most. */
export const spanOf = (period: number, periods: number): number =>
  Math.min(Math.max(3_600, period * Math.max(60, periods * 3)), 7 * 86_400)

export function Seen({ picks, period, threshold, periods, actions }: Props) {
  const seconds = spanOf(period, periods)
  const found = useLive(["alarm-seen", queriesOf(picks, period)], async () => {
    const step = Math.min(period, 60) * 1_000
    const to = new Date(Math.ceil(Date.now() / step) * step)
    const from = new Date(to.getTime() - seconds * 1_000)
    return { from, to, lines: await lines(picks, period, from, to) }
  })
  const first = picks[0]
  const line = found.data?.lines.find((one) => one.id === first?.id)
  const problem = found.data?.lines.find((one) => one.problem)?.problem
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`The last ${duration(seconds * 1_000)}, in periods of ${duration(period * 1_000)}`}
          actions={actions}
        >
          What it looks at
        </Header>
      }
    >
      {found.error ? (
        <Problem error={found.error} again={() => void found.refetch()} />
      ) : !found.data || first === undefined ? (
        <Waiting what="Reading metrics" />
      ) : (
        <>
          {problem && <Problem error={new Error(problem)} header="The metric cannot be computed" />}
          <Chart
            label={`${titleOf(first, picks)} and the threshold`}
            domain={[found.data.from, found.data.to]}
            tick={(when) => tick(when, seconds)}
            empty="Nothing was told in this time"
            series={[
              { title: titleOf(first, picks), points: line?.values ?? [], color: colorChartsPaletteCategorical1 },
              ...(threshold !== undefined && line?.values.length
                ? [
                    {
                      title: `Threshold ${number(threshold)}`,
                      points: [],
                      threshold,
                      color: colorChartsStatusCritical,
                    },
                  ]
                : []),
            ]}
          />
        </>
      )}
    </Container>
  )
}
