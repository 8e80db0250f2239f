/** What the machine has left, as the CloudWatch agent's metrics tell it. */
import { CloudWatchClient, GetMetricDataCommand, type MetricDataResult } from "@aws-sdk/client-cloudwatch"
import { aws } from "@/aws/client"

export type Measure = { where: string; percent: number; free?: number }
export type Machine = { disks: Measure[]; memory?: number; cpu?: number }

/** Told once a minute; what is older than this says nothing of now. */
const FRESH_MS = 5 * 60_000

const search = (metric: string, dimensions: string) =>
  `SEARCH('{CWAgent,${dimensions}} MetricName="${metric}"', 'Average', 60)`

const ASKED = [
  ["disk", "disk_used_percent", "host,path"],
  ["free", "disk_free", "host,path"],
  ["memory", "mem_used_percent", "host"],
  ["cpu", "cpu_usage_active", "cpu,host"],
] as const

export async function machine(now = Date.now()): Promise<Machine> {
  const { MetricDataResults: results = [] } = await aws(CloudWatchClient).send(
    new GetMetricDataCommand({
      StartTime: new Date(now - FRESH_MS),
      EndTime: new Date(now + 60_000),
      ScanBy: "TimestampDescending",
      MetricDataQueries: ASKED.map(([Id, metric, dimensions]) => ({
        Id,
        Expression: search(metric, dimensions),
        Label: `\${PROP('Dim.${dimensions.includes("path") ? "path" : "host"}')}`,
      })),
    }),
  )
  return machineOf(results)
}

/** The newest value of each. Where several machines tell theirs, memory and CPUs are those of the fullest one. */
export function machineOf(results: readonly MetricDataResult[]): Machine {
  const newest = (id: string) =>
    results.flatMap((one) => {
      const value = one.Values?.[0]
      return one.Id === id && value !== undefined ? [{ where: one.Label ?? "", value }] : []
    })
  const most = (id: string) => {
    const values = newest(id).map((one) => one.value)
    return values.length ? Math.max(...values) : undefined
  }
  const free = new Map(newest("free").map((one) => [one.where, one.value]))
  return {
    disks: newest("disk").map(({ where, value }) => ({ where, percent: value, free: free.get(where) })),
    memory: most("memory"),
    cpu: most("cpu"),
  }
}
