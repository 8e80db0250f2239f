/** What the hosts of a job used of the machine. */
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { SLOW_MS, useLive } from "@/aws/live"
import { Chart } from "@/parts/chart"
import { Empty } from "@/parts/empty"
import { number } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { KINDS, type Kind } from "./reads"
import { hostsOf, timeSeries } from "./series"

const MOST_HOSTS = 10
const CHARTS = [
  { metric: "CPUUtilization", title: "CPU", y: "% (100 a core)" },
  { metric: "MemoryUtilization", title: "Memory", y: "% of this machine's" },
  { metric: "DiskUtilization", title: "Disk", y: "%" },
]

type Props = { kind: Kind; name: string; from: Date | undefined; to: Date | undefined; live: boolean }

export function Usage({ kind, name, from, to, live }: Props) {
  const { group } = KINDS[kind]
  const found = useLive(
    ["jobs", kind, "usage", name, to?.getTime()],
    async () => {
      const hosts = (await hostsOf(group, name)).slice(0, MOST_HOSTS)
      const asked = CHARTS.flatMap(({ metric }, chart) =>
        hosts.map((host, at) => ({
          id: `c${chart}h${at}`,
          title: host,
          namespace: group,
          metric,
          dimension: ["Host", `${name}/${host}`] as [string, string],
        })),
      )
      const series = await timeSeries(asked, { from: from ?? new Date(), to }, 60)
      return CHARTS.map((chart, at) => ({ ...chart, series: series.slice(at * hosts.length, (at + 1) * hosts.length) }))
    },
    { every: live ? SLOW_MS : false, enabled: from !== undefined },
  )
  if (from === undefined) return <Empty title="It has not started yet" />
  if (found.error) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what="Reading what it used" />
  const charts = found.data.filter((chart) => chart.series.some((one) => one.points.length))
  if (charts.length === 0) {
    return (
      <Empty title={live ? "Not measured yet" : "Nothing was measured"}>
        What a job uses is measured once a minute, from its second full minute on.
      </Empty>
    )
  }
  return (
    <Container header={<Header description="Averages of a minute, a line a host">Utilisation</Header>}>
      <ColumnLayout columns={charts.length > 1 ? 2 : 1}>
        {charts.map((chart) => (
          <Chart
            key={chart.metric}
            series={chart.series}
            label={`${chart.title} of ${name}`}
            y={`${chart.title}, ${chart.y}`}
            format={(value) => `${number(value)} %`}
          />
        ))}
      </ColumnLayout>
    </Container>
  )
}
