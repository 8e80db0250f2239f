/** Which metric an alarm looks at: namespace, name, dimensions and statistic, each of what is there. */
import Box from "@cloudscape-design/components/box"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import FormField from "@cloudscape-design/components/form-field"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useLive } from "@/aws/live"
import { Facts } from "@/parts/facts"
import { duration } from "@/parts/format"
import { isMath, keyOf, statFor, titleOf } from "../metrics/picks"
import { STATISTICS } from "../metrics/plotted"
import { listMetrics } from "../metrics/reads"
import type { FieldProps } from "./form"

const PERIODS = [10, 20, 30, 60, 300, 900, 3_600, 21_600, 86_400]

const option = (value: string) => ({ value, label: value })
const unique = (values: readonly string[]) => [...new Set(values)].sort().map(option)

export function MetricField({ form, set, said }: FieldProps) {
  const { data = [], status } = useLive(["metrics-list"], listMetrics, { every: false })
  const named = data.filter((one) => one.Namespace === form.namespace && one.MetricName === form.metric)
  const sets = named.map((one) => ({
    value: keyOf(one),
    label: (one.Dimensions ?? []).map((pair) => `${pair.Name} = ${pair.Value}`).join(", ") || "No dimensions",
    dimensions: (one.Dimensions ?? []).map((pair): [string, string] => [pair.Name ?? "", pair.Value ?? ""]),
  }))
  const chosen = keyOf({
    Namespace: form.namespace,
    MetricName: form.metric,
    Dimensions: form.dimensions.map(([Name, Value]) => ({ Name, Value })),
  })
  const label = form.dimensions.map(([name, value]) => `${name} = ${value}`).join(", ") || "No dimensions"
  const periods = (PERIODS.includes(form.period) ? PERIODS : [form.period, ...PERIODS]).map((one) => ({
    value: String(one),
    label: duration(one * 1_000),
  }))
  const period = (
    <FormField label="Period" description="Values are gathered over this time.">
      <Select
        options={periods}
        selectedOption={{ value: String(form.period), label: duration(form.period * 1_000) }}
        onChange={({ detail }) => set({ period: Number(detail.selectedOption.value) })}
      />
    </FormField>
  )
  if (form.math.length)
    return (
      <SpaceBetween size="m">
        <Facts
          columns={1}
          facts={form.math.map((one) => [
            one.id,
            isMath(one) ? (
              <span key={one.id} className="clary-mono">
                {one.expression}
              </span>
            ) : (
              titleOf(one, [one])
            ),
          ])}
        />
        {period}
        <Box color="text-body-secondary">Made on the metrics page; plot other metrics there to change it.</Box>
      </SpaceBetween>
    )
  return (
    <ColumnLayout columns={2}>
      <FormField label="Namespace">
        <Select
          options={unique(data.map((one) => one.Namespace ?? ""))}
          selectedOption={form.namespace ? option(form.namespace) : null}
          onChange={({ detail }) => set({ namespace: detail.selectedOption.value ?? "", metric: "", dimensions: [] })}
          placeholder="Choose a namespace"
          filteringType="auto"
          statusType={status === "pending" ? "loading" : "finished"}
          empty="No metric was told in the last two weeks"
        />
      </FormField>
      <FormField label="Metric" errorText={said.metric}>
        <Select
          options={unique(data.filter((one) => one.Namespace === form.namespace).map((one) => one.MetricName ?? ""))}
          selectedOption={form.metric ? option(form.metric) : null}
          onChange={({ detail }) => {
            const metric = detail.selectedOption.value ?? ""
            const first = data.find((one) => one.Namespace === form.namespace && one.MetricName === metric)
            const dimensions = (first?.Dimensions ?? []).map((pair): [string, string] => [
              pair.Name ?? "",
              pair.Value ?? "",
            ])
            set({ metric, dimensions, stat: statFor(metric) })
          }}
          disabled={!form.namespace}
          placeholder="Choose a metric"
          filteringType="auto"
        />
      </FormField>
      <FormField label="Dimensions">
        <Select
          options={sets}
          selectedOption={form.metric ? { value: chosen, label } : null}
          onChange={({ detail }) =>
            set({ dimensions: sets.find((one) => one.value === detail.selectedOption.value)?.dimensions ?? [] })
          }
          disabled={!form.metric}
          placeholder="Choose which"
          filteringType="auto"
        />
      </FormField>
      <FormField label="Statistic">
        <Select
          options={(STATISTICS.includes(form.stat) ? STATISTICS : [form.stat, ...STATISTICS]).map(option)}
          selectedOption={option(form.stat)}
          onChange={({ detail }) => set({ stat: detail.selectedOption.value ?? "Average" })}
        />
      </FormField>
      {period}
    </ColumnLayout>
  )
}
