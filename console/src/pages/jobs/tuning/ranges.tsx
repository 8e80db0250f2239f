/** Where a tuning job looks: the ranges of its parameters. */
import type { DescribeHyperParameterTuningJobResponse, ParameterRanges } from "@aws-sdk/client-sagemaker"
import { Empty } from "@/parts/empty"
import { words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"

export const rangesOf = (job: DescribeHyperParameterTuningJobResponse): (ParameterRanges | undefined)[] => [
  job.HyperParameterTuningJobConfig?.ParameterRanges,
  job.TrainingJobDefinition?.HyperParameterRanges,
  ...(job.TrainingJobDefinitions ?? []).map((one) => one.HyperParameterRanges),
]

type Range = { id: string; name: string; type: string; values: string; scaling: string }

export function rangeRows(ranges: readonly (ParameterRanges | undefined)[]): Range[] {
  return ranges.flatMap((one, at) => [
    ...(one?.ContinuousParameterRanges ?? []).map((range) => ({
      id: `${at} ${range.Name}`,
      name: range.Name ?? "",
      type: "Continuous",
      values: `${range.MinValue} to ${range.MaxValue}`,
      scaling: words(range.ScalingType ?? "Auto"),
    })),
    ...(one?.IntegerParameterRanges ?? []).map((range) => ({
      id: `${at} ${range.Name}`,
      name: range.Name ?? "",
      type: "Integer",
      values: `${range.MinValue} to ${range.MaxValue}`,
      scaling: words(range.ScalingType ?? "Auto"),
    })),
    ...(one?.CategoricalParameterRanges ?? []).map((range) => ({
      id: `${at} ${range.Name}`,
      name: range.Name ?? "",
      type: "Categorical",
      values: (range.Values ?? []).join(", "),
      scaling: "–",
    })),
  ])
}

const COLUMNS: Column<Range>[] = [
  { id: "name", header: "Name", cell: (one) => one.name, text: (one) => one.name, isRowHeader: true },
  { id: "type", header: "Type", cell: (one) => one.type, text: (one) => one.type },
  { id: "values", header: "Values", cell: (one) => <span className="clary-break">{one.values}</span> },
  { id: "scaling", header: "Scaling", cell: (one) => one.scaling, text: (one) => one.scaling },
]

export function Ranges({ job }: { job: DescribeHyperParameterTuningJobResponse }) {
  return (
    <ResourceTable
      title="Tuned hyperparameters"
      rows={rangeRows(rangesOf(job))}
      columns={COLUMNS}
      id={(one) => one.id}
      noFilter
      empty={<Empty title="It tunes nothing" />}
    />
  )
}
