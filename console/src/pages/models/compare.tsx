/** Several versions side by side: every metric with the best marked, one of them drawn over the versions. */
import BarChart from "@cloudscape-design/components/bar-chart"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { Empty } from "@/parts/empty"
import { number } from "@/parts/format"
import { ResourceTable } from "@/parts/resource-table"
import { To } from "@/shell/link"
import { Approval } from "./approval"
import { CompareMade } from "./compare-made"
import { useMeasured } from "./measured"
import { bestOf, better, type Direction, ranked, shortNames } from "./metrics"
import { type Version, versionPath } from "./packages"
import { directionByRules, type Rule } from "./rules"
import { Best } from "./versions"

type Props = { versions: readonly Version[]; rules: readonly Rule[]; onClose: () => void }
type Row = {
  path: string
  name: string
  direction: Direction | undefined
  values: (number | undefined)[]
  deviations: (number | undefined)[]
  best: Set<number>
}

export function Compare({ versions, rules, onClose }: Props) {
  const ordered = [...versions].sort((a, b) => (a.ModelPackageVersion ?? 0) - (b.ModelPackageVersion ?? 0))
  const measured = useMeasured(ordered)
  const paths = ranked(measured.map((one) => one.measures))
  const names = shortNames(paths)
  const rows = paths.map((path): Row => {
    const found = measured.map((one) => one.measures.find((measure) => measure.path === path))
    const values = found.map((one) => one?.value)
    const direction = directionByRules(path, rules) ?? better(path)
    return {
      path,
      name: names[path] ?? path,
      direction,
      values,
      deviations: found.map((one) => one?.deviation),
      best: bestOf(values, direction),
    }
  })
  const failed = measured.find((one) => one.error)?.error
  return (
    <SpaceBetween size="l">
      <ResourceTable<Row>
        title="Side by side"
        description="Best is marked where the metric's name, or a rule of the group, tells whether more or less is better."
        rows={measured.some((one) => one.waiting) ? undefined : rows}
        error={failed}
        id={(one) => one.path}
        param="metric"
        noFilter={rows.length < 10}
        actions={<Button onClick={onClose}>Close</Button>}
        columns={[
          {
            id: "name",
            header: "Metric",
            cell: (one) => <span title={one.path}>{one.name}</span>,
            text: (one) => one.path,
            sortingField: "name",
            isRowHeader: true,
          },
          {
            id: "better",
            header: "Better is",
            cell: (one) => one.direction ?? "–",
            text: (one) => one.direction,
          },
          ...ordered.map((version, at) => ({
            id: version.ModelPackageArn,
            header: <Heading version={version} />,
            cell: (one: Row) => (
              <span className="clary-numbers clary-nowrap">
                {one.best.has(at) ? <Best value={one.values[at]} /> : number(one.values[at])}
                {one.deviations[at] === undefined ? "" : ` ± ${number(one.deviations[at])}`}
              </span>
            ),
          })),
        ]}
        empty={
          <Empty title="Nothing was measured of these versions">
            A version has metrics when it was registered with ModelMetrics, for example by a pipeline's evaluation.
          </Empty>
        }
      />
      {rows.length > 0 && <Drawn rows={rows} versions={ordered} />}
      <CompareMade versions={ordered} />
    </SpaceBetween>
  )
}

function Heading({ version }: { version: Version }) {
  const called = version.ModelPackageVersion ?? 0
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <To to={versionPath(version.ModelPackageGroupName ?? "", called)}>{`Version ${called}`}</To>
      <Approval status={version.ModelApprovalStatus} />
    </SpaceBetween>
  )
}

function Drawn({ rows, versions }: { rows: Row[]; versions: Version[] }) {
  const [path, setPath] = useState("")
  const row = rows.find((one) => one.path === path) ?? rows[0]
  if (!row) return null
  const options = rows.map((one) => ({ value: one.path, label: one.name }))
  const points = versions.flatMap((one, at) => {
    const y = row.values[at]
    return y === undefined ? [] : [{ x: `Version ${one.ModelPackageVersion}`, y }]
  })
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Select
              ariaLabel="Metric that is drawn"
              options={options}
              selectedOption={options.find((one) => one.value === row.path) ?? null}
              filteringType={options.length > 8 ? "auto" : "none"}
              onChange={({ detail }) => setPath(detail.selectedOption.value ?? "")}
            />
          }
        >
          Over the versions
        </Header>
      }
    >
      <BarChart
        series={[{ type: "bar", title: row.name, data: points, valueFormatter: number }]}
        xDomain={points.map((one) => one.x)}
        xScaleType="categorical"
        height={220}
        hideFilter
        hideLegend
        ariaLabel={`${row.name} of each version`}
        yTitle={row.name}
        i18nStrings={{
          yTickFormatter: number,
          chartAriaRoleDescription: "bar chart",
          xAxisAriaRoleDescription: "versions",
          yAxisAriaRoleDescription: row.name,
          detailPopoverDismissAriaLabel: "Close",
        }}
        empty={<Empty title="None of these versions has it" />}
      />
    </Container>
  )
}
