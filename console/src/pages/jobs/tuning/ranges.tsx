/** Where a tuning job looks: the ranges of its parameters. */
import type { DescribeHyperParameterTuningJobResponse, ParameterRanges } from "@aws-sdk/client-sagemaker"
import { Empty } from "@/parts/empty"
import { words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"

type Named = { of?: string; ranges: ParameterRanges | undefined }

const namedRanges = (job: DescribeHyperParameterTuningJobResponse): Named[] => [
  { ranges: job.HyperParameterTuningJobConfig?.ParameterRanges },
  { ranges: job.TrainingJobDefinition?.HyperParameterRanges },
  ...(job.TrainingJobDefinitions ?? []).map((one) => ({ of: one.DefinitionName, ranges: one.HyperParameterRanges })),
]

export const rangesOf = (job: DescribeHyperParameterTuningJobResponse): (ParameterRanges | undefined)[] =>
  namedRanges(job).map((one) => one.ranges)

type Range = { id: string; name: string; of?: string; type: string; values: string; scaling: string }

export function rangeRows(all: readonly Named[]): Range[] {
  return all.flatMap(({ of, ranges }, at) => {
    const row = (name: string | undefined, type: string, values: string, scaling: string): Range => ({
      id: `${at} ${name}`,
      name: name ?? "",
      ...(of ? { of } : {}),
      type,
      values,
      scaling,
    })
    return [
      ...(ranges?.ContinuousParameterRanges ?? []).map((one) =>
        row(one.Name, "Continuous", `${one.MinValue} to ${one.MaxValue}`, words(one.ScalingType ?? "Auto")),
      ),
      ...(ranges?.IntegerParameterRanges ?? []).map((one) =>
        row(one.Name, "Integer", `${one.MinValue} to ${one.MaxValue}`, words(one.ScalingType ?? "Auto")),
      ),
      ...(ranges?.CategoricalParameterRanges ?? []).map((one) =>
        row(one.Name, "Categorical", (one.Values ?? []).join(", "), "–"),
      ),
    ]
  })
}

const COLUMNS: Column<Range>[] = [
  { id: "name", header: "Name", cell: (one) => one.name, text: (one) => one.name, isRowHeader: true },
  { id: "type", header: "Type", cell: (one) => one.type, text: (one) => one.type },
  { id: "values", header: "Values", cell: (one) => <span className="clary-break">{one.values}</span> },
  { id: "scaling", header: "Scaling", cell: (one) => one.scaling, text: (one) => one.scaling },
]

const OF: Column<Range> = {
  id: "of",
  header: "Definition",
  cell: (one) => one.of ?? "–",
  text: (one) => one.of,
}

export function Ranges({ job }: { job: DescribeHyperParameterTuningJobResponse }) {
  const rows = rangeRows(namedRanges(job))
  return (
    <ResourceTable
      title="Tuned hyperparameters"
      rows={rows}
      columns={rows.some((one) => one.of) ? [...COLUMNS.slice(0, 1), OF, ...COLUMNS.slice(1)] : COLUMNS}
      id={(one) => one.id}
      noFilter
      empty={<Empty title="It tunes nothing" />}
    />
  )
}
