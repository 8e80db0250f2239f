/** The tables of a comparison. What differs is marked by a word, not by colour alone. */
import Box from "@cloudscape-design/components/box"
import Header from "@cloudscape-design/components/header"
import Table from "@cloudscape-design/components/table"
import { Empty } from "@/parts/empty"
import { duration, number } from "@/parts/format"
import type { MetricRow, ParameterRow, StepRow } from "./comparison"
import { typeSaid } from "./dag/icon"
import type { StepState } from "./state"
import { StatusOf } from "./timeline"

export function ParametersCompared({ rows }: { rows: ParameterRow[] }) {
  const differ = rows.filter((one) => one.differs).length
  return (
    <Table<ParameterRow>
      items={rows}
      trackBy="name"
      ariaLabels={{ tableLabel: "Parameters" }}
      header={<Header counter={`(${differ} differ)`}>Parameters</Header>}
      wrapLines
      columnDefinitions={[
        { id: "name", header: "Parameter", isRowHeader: true, cell: (one) => one.name },
        { id: "a", header: "A", cell: (one) => <Value of={one.a} /> },
        { id: "b", header: "B", cell: (one) => <Value of={one.b} /> },
        { id: "differs", header: "", cell: (one) => one.differs && <span className="clary-changed">differs</span> },
      ]}
      empty={<Empty title="No parameters">The pipeline has none.</Empty>}
    />
  )
}

const Value = ({ of }: { of: string | undefined }) => (
  <span className="clary-break">{of === undefined ? "–" : of === "" ? "(empty)" : of}</span>
)

export function StepsCompared({ rows }: { rows: StepRow[] }) {
  const differ = rows.filter((one) => one.differs).length
  return (
    <Table<StepRow>
      items={rows}
      trackBy="name"
      ariaLabels={{ tableLabel: "Steps" }}
      header={
        <Header
          counter={`(${differ} differ)`}
          description="Durations are of what ran in this execution: a result from the cache took none."
        >
          Steps
        </Header>
      }
      columnDefinitions={[
        {
          id: "name",
          header: "Step",
          isRowHeader: true,
          cell: (one) => (
            <>
              {one.name}
              <Box color="text-body-secondary" fontSize="body-s">
                {typeSaid(one.type)}
              </Box>
            </>
          ),
        },
        { id: "a", header: "A", cell: (one) => <Side of={one.a} took={one.tookA} /> },
        { id: "b", header: "B", cell: (one) => <Side of={one.b} took={one.tookB} /> },
        {
          id: "difference",
          header: "B − A",
          cell: (one) => <span className="clary-numbers clary-nowrap">{signed(one.difference, duration)}</span>,
        },
        { id: "differs", header: "", cell: (one) => one.differs && <span className="clary-changed">differs</span> },
      ]}
    />
  )
}

function Side({ of, took }: { of: StepState | undefined; took: number | undefined }) {
  if (!of) return <>– (no such step)</>
  return (
    <>
      <StatusOf state={of} />
      <Box color="text-body-secondary" fontSize="body-s">
        {took === undefined ? "–" : duration(took)}
      </Box>
    </>
  )
}

export function MetricsCompared({ rows }: { rows: MetricRow[] }) {
  return (
    <Table<MetricRow>
      items={rows}
      trackBy={(one) => `${one.step}/${one.name}`}
      ariaLabels={{ tableLabel: "Metrics" }}
      header={<Header counter={`(${rows.length})`}>Metrics</Header>}
      wrapLines
      columnDefinitions={[
        { id: "step", header: "Step", cell: (one) => one.step },
        {
          id: "name",
          header: "Metric",
          isRowHeader: true,
          cell: (one) => <span className="clary-break">{one.name}</span>,
        },
        { id: "a", header: "A", cell: (one) => <span className="clary-numbers">{number(one.a)}</span> },
        { id: "b", header: "B", cell: (one) => <span className="clary-numbers">{number(one.b)}</span> },
        {
          id: "difference",
          header: "B − A",
          cell: (one) => (
            <span className="clary-numbers clary-nowrap">
              {signed(one.difference, number)}
              {share(one)}
            </span>
          ),
        },
      ]}
      empty={
        <Empty title="No metrics">
          Neither execution has left numbers: they come from property files and from training jobs.
        </Empty>
      }
    />
  )
}

/** +1.2 s, −0.03, 0 where nothing differs, a dash where it is not known. */
export function signed(difference: number | undefined, format: (value: number) => string): string {
  if (difference === undefined || Number.isNaN(difference)) return "–"
  if (difference === 0) return "0"
  return `${difference > 0 ? "+" : "−"}${format(Math.abs(difference))}`
}

/** " (+4.2 %)" of A, where A is no zero. */
const share = ({ a, difference }: MetricRow): string =>
  !a || !difference ? "" : ` (${signed(difference / Math.abs(a), (value) => `${(value * 100).toFixed(1)} %`)})`
