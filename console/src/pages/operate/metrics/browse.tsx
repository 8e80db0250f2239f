/** Every metric that was told in the last two weeks: narrow them by namespace, name and dimension, choose, and plot. */
import type { Metric } from "@aws-sdk/client-cloudwatch"
import Button from "@cloudscape-design/components/button"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { consoleHref, useFollow } from "@/shell/link"
import { isMath, keyOf, type MetricPick, metricOf, type Pick, pickOf } from "./picks"
import { listMetrics, MOST_METRICS } from "./reads"

const dimensions = (metric: Metric): string =>
  (metric.Dimensions ?? []).map((one) => `${one.Name} = ${one.Value}`).join(", ")

const COLUMNS: Column<Metric>[] = [
  { id: "metric", header: "Metric", cell: (one) => one.MetricName, text: (one) => one.MetricName, isRowHeader: true },
  { id: "namespace", header: "Namespace", cell: (one) => one.Namespace, text: (one) => one.Namespace },
  {
    id: "dimensions",
    header: "Dimensions",
    minWidth: 280,
    text: dimensions,
    cell: (one) =>
      one.Dimensions?.length ? (
        <span className="clary-dimensions">
          {one.Dimensions.map((pair) => (
            <span key={pair.Name} className="clary-break">
              {pair.Name} = {pair.Value}
            </span>
          ))}
        </span>
      ) : (
        "–"
      ),
  },
]

/** The values with how many metrics each has, the most first. */
export function tally(values: readonly string[]): { value: string; label: string }[] {
  const found = new Map<string, number>()
  for (const one of values) found.set(one, (found.get(one) ?? 0) + 1)
  return [...found]
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .map(([value, n]) => ({ value, label: `${value} (${count(n)})` }))
}

type Props = { picks: readonly Pick[]; onPicks: (picks: Pick[]) => void }

export function Browse({ picks, onPicks }: Props) {
  const follow = useFollow()
  const [params, setParams] = useSearchParams()
  const [chosen, setChosen] = useState<Metric[]>([])
  const { data, error, refetch } = useLive(["metrics-list"], listMetrics, { every: SLOW_MS * 3 })
  const [namespace, name] = [params.get("namespace") ?? "", params.get("metric") ?? ""]
  const inSpace = data?.filter((one) => !namespace || one.Namespace === namespace)
  const rows = inSpace?.filter((one) => !name || one.MetricName === name)
  const plotted = new Set(picks.filter((one): one is MetricPick => !isMath(one)).map((one) => keyOf(metricOf(one))))

  const choose = (key: "namespace" | "metric", value: string) =>
    setParams(
      (before) => {
        const to = new URLSearchParams(before)
        if (value) to.set(key, value)
        else to.delete(key)
        if (key === "namespace") to.delete("metric")
        return to
      },
      { replace: true },
    )
  const plot = () => {
    const next = [...picks]
    for (const one of chosen) if (!plotted.has(keyOf(one))) next.push(pickOf(one, next))
    onPicks(next)
    setChosen([])
    scrollTo({ top: 0 })
  }
  const options = (every: string, values: readonly string[]) => [{ value: "", label: every }, ...tally(values)]
  const namespaces = options(
    "Every namespace",
    (data ?? []).map((one) => one.Namespace ?? ""),
  )
  const names = options(
    "Every metric",
    (inSpace ?? []).map((one) => one.MetricName ?? ""),
  )
  return (
    <ResourceTable<Metric>
      title="All metrics"
      description={
        data && data.length >= MOST_METRICS
          ? `The first ${count(MOST_METRICS)}; narrow them by a search`
          : "Told in the last two weeks"
      }
      rows={rows}
      columns={COLUMNS}
      id={keyOf}
      called={(one) => `${one.MetricName} ${dimensions(one)}`.trim()}
      error={error}
      again={() => void refetch()}
      wrap
      pageSize={15}
      selection="multi"
      selected={chosen}
      onSelect={setChosen}
      sorted={{ id: "namespace" }}
      filters={
        <>
          <Select
            ariaLabel="Namespace"
            options={namespaces}
            selectedOption={namespaces.find((one) => one.value === namespace) ?? { value: namespace, label: namespace }}
            onChange={({ detail }) => choose("namespace", detail.selectedOption.value ?? "")}
            filteringType="auto"
          />
          <Select
            ariaLabel="Metric"
            options={names}
            selectedOption={names.find((one) => one.value === name) ?? { value: name, label: name }}
            onChange={({ detail }) => choose("metric", detail.selectedOption.value ?? "")}
            filteringType="auto"
          />
        </>
      }
      actions={
        <Button variant="primary" disabled={chosen.length === 0} onClick={plot}>
          {chosen.length > 1 ? `Plot ${chosen.length} metrics` : "Plot"}
        </Button>
      }
      empty={
        <Empty
          title={namespace || name ? "No metric of that name" : "Nothing was told yet"}
          action={
            namespace || name ? (
              <Button onClick={() => choose("namespace", "")}>Show all</Button>
            ) : (
              <Button href={consoleHref("/examples")} onFollow={follow}>
                Start an example
              </Button>
            )
          }
        >
          {namespace || name
            ? "Nothing of it was told in the last two weeks."
            : "This machine tells how full it is within a minute; jobs and endpoints tell as they work; your programs by PutMetricData."}
        </Empty>
      }
    />
  )
}
