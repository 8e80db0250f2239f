/** Metrics: pick them, plot them, read their numbers. The address holds the whole graph. */
import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { usePage } from "@/shell/title"
import { Browse } from "./browse"
import { Graph } from "./graph"
import { isMath, type MetricPick, type Pick, picksOf, queriesOf, written } from "./picks"
import { Plotted } from "./plotted"
import { bounds, periodFor, periodsFor, type Range, rangeOf, writeRange } from "./ranges"
import { lines, unitOf } from "./reads"

/** How often a graph of the last hours is read anew. */
const EVERY_MS = 5_000
/** One answer of CloudWatch takes 500 queries; a graph with more lines than this cannot be read anyway. */
export const MOST_PICKS = 50

export default function Metrics() {
  usePage([{ text: "Metrics", href: "/operate/metrics" }])
  const [params, setParams] = useSearchParams()
  const picks = picksOf(params)
  const range = rangeOf(params)
  const now = Date.now()
  const asked = Number(params.get("period"))
  const period = periodsFor(range, now).includes(asked) ? asked : periodFor(range, now)

  const change = (edit: (to: URLSearchParams) => void) =>
    setParams(
      (before) => {
        const to = new URLSearchParams(before)
        edit(to)
        return to
      },
      { replace: true },
    )
  const setPicks = (next: readonly Pick[]) =>
    change((to) => {
      to.delete("m")
      for (const one of next.slice(0, MOST_PICKS)) to.append("m", written(one))
    })

  const found = useLive(
    ["metrics", queriesOf(picks, period), range],
    async () => {
      const { from, to } = bounds(range, period, Date.now())
      return { from, to, lines: await lines(picks, period, from, to) }
    },
    { enabled: picks.length > 0, every: range.kind === "last" ? EVERY_MS : false },
  )
  const metrics = picks.filter((one): one is MetricPick => !isMath(one))
  const units = useLive(
    ["metrics-units", metrics, range],
    async () => {
      const { from, to } = bounds(range, period, Date.now())
      return new Map(
        await Promise.all(metrics.map(async (one) => [one.id, await unitOf(one, from, to)] as [string, string])),
      )
    },
    { enabled: metrics.length > 0, every: false },
  )

  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description="What your programs, your jobs and endpoints and this machine tell. Pick some to see them side by side; the address holds the whole graph."
        actions={
          picks.length > 0 && (
            <Button onClick={() => setPicks([])} iconName="close">
              Clear the graph
            </Button>
          )
        }
      >
        Metrics
      </Header>
      <Graph
        picks={picks}
        range={range}
        period={period}
        auto={period !== asked}
        found={picks.length ? found.data : undefined}
        error={picks.length ? found.error : null}
        units={units.data}
        table={params.get("view") === "table"}
        onRange={(next: Range) =>
          change((to) => {
            writeRange(to, next)
            to.delete("period")
          })
        }
        onPeriod={(next) => change((to) => (next ? to.set("period", String(next)) : to.delete("period")))}
        onTable={(table) => change((to) => (table ? to.set("view", "table") : to.delete("view")))}
      />
      {picks.length > 0 && (
        <Plotted picks={picks} lines={found.data?.lines ?? []} units={units.data} period={period} onPicks={setPicks} />
      )}
      <Browse picks={picks} onPicks={setPicks} />
    </SpaceBetween>
  )
}
