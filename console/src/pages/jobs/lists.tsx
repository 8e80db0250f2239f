/** The four lists of SageMaker's jobs. */
import type { TableProps } from "@cloudscape-design/components/table"
import type { ReactNode } from "react"
import { FAST_MS, inWords, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, words } from "@/parts/format"
import { moving, Status } from "@/parts/status"
import { Ago, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { JobTable } from "./job-table"
import { KINDS, type Kind, keyOf, READS } from "./reads"
import type { Row } from "./rows"
import { Start } from "./start"
import { ofProcessing, ofTraining, ofTransform, ofTuning, type Summary } from "./summary"

type Column = TableProps.ColumnDefinition<Row>

const SUMMARIES: Record<Kind, (name: string) => Promise<Summary>> = {
  training: (name) => READS.training(name).then(ofTraining),
  processing: (name) => READS.processing(name).then(ofProcessing),
  transform: (name) => READS.transform(name).then(ofTransform),
  tuning: (name) => READS.tuning(name).then(ofTuning),
}

/** Lists do not tell these: each row that is seen asks for its job, all its cells together once. */
function Detail({ kind, row, show }: { kind: Kind; row: Row; show: (summary: Summary) => ReactNode }) {
  const found = useLive([...keyOf(kind, row.name), "summary", row.status], () => SUMMARIES[kind](row.name), {
    every: moving(row.status) ? FAST_MS : false,
  })
  if (found.error) return <span title={inWords(found.error)}>–</span>
  return <>{found.data ? show(found.data) : "…"}</>
}

const name = (kind: Kind): Column => ({
  id: "name",
  header: "Name",
  sortingField: "Name",
  isRowHeader: true,
  cell: (row) => (
    <span className="clary-job-name" title={row.name}>
      <To to={`/jobs/${kind}/${row.name}`}>{row.name}</To>
    </span>
  ),
})
const status: Column = {
  id: "status",
  header: "Status",
  sortingField: "Status",
  cell: (row) => <Status status={row.status} said={row.stage ? words(row.stage) : undefined} />,
}
const created: Column = {
  id: "created",
  header: "Created",
  sortingField: "CreationTime",
  cell: (row) => <Ago when={row.created} />,
}
const took: Column = { id: "took", header: "Duration", cell: (row) => <Took from={row.created} to={row.ended} /> }
const what = (kind: Kind, header: string): Column => ({
  id: "what",
  header,
  cell: (row) => (
    <Detail
      kind={kind}
      row={row}
      show={(summary) => (
        <span className="clary-job-two">
          <span>{summary.what}</span>
          <small>{summary.machines}</small>
        </span>
      )}
    />
  ),
})
const result = (kind: Kind, header: string): Column => ({
  id: "result",
  header,
  cell: (row) => (
    <Detail
      kind={kind}
      row={row}
      show={({ result: told }) =>
        told ? (
          <span className="clary-job-two clary-numbers">
            <span>{told.value}</span>
            <small>{told.name}</small>
          </span>
        ) : (
          "–"
        )
      }
    />
  ),
})

function JobList({ kind, columns, about }: { kind: Kind; columns: Column[]; about: string }) {
  const { one, many } = KINDS[kind]
  usePage([{ text: many, href: `/jobs/${kind}` }])
  return (
    <JobTable
      key={kind}
      kind={kind}
      columns={columns}
      description={about}
      empty={
        <Empty title={`No ${one}s yet`}>
          <Start kind={kind} />
        </Empty>
      }
    />
  )
}

const TRAINING: Column[] = [
  name("training"),
  status,
  created,
  took,
  what("training", "Algorithm, instances"),
  result("training", "Final metric"),
]
export const TrainingList = () => <JobList kind="training" columns={TRAINING} about="Each makes a model out of data." />

const PROCESSING: Column[] = [name("processing"), status, created, took, what("processing", "Program, instances")]
export const ProcessingList = () => (
  <JobList kind="processing" columns={PROCESSING} about="Programs that prepare data, or judge a model." />
)

const TRANSFORM: Column[] = [name("transform"), status, created, took, what("transform", "Model, instances")]
export const TransformList = () => (
  <JobList kind="transform" columns={TRANSFORM} about="A model's answers for every object below a prefix." />
)

const trials: Column = {
  id: "trials",
  header: "Training jobs, strategy",
  cell: ({ tuning }) => {
    const counters = tuning?.TrainingJobStatusCounters
    const ended =
      (counters?.Completed ?? 0) +
      (counters?.Stopped ?? 0) +
      (counters?.NonRetryableError ?? 0) +
      (counters?.RetryableError ?? 0)
    return (
      <span className="clary-job-two clary-numbers">
        <span>
          {count(ended)} of {count(tuning?.ResourceLimits?.MaxNumberOfTrainingJobs)}
        </span>
        <small>{tuning?.Strategy}</small>
      </span>
    )
  },
}

const TUNING: Column[] = [
  name("tuning"),
  status,
  created,
  took,
  trials,
  what("tuning", "Algorithm, instances"),
  result("tuning", "Best"),
]
export const TuningList = () => (
  <JobList kind="tuning" columns={TUNING} about="Many training jobs that look for the best hyperparameters." />
)
