/** All of Glue's jobs, with how the last run of each went. */
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago, Took } from "@/parts/time"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { Start } from "../start"
import { capacity, commandInWords, type JobWithRun, useJobs } from "./reads"

const COLUMNS: Column<JobWithRun>[] = [
  {
    id: "name",
    header: "Name",
    isRowHeader: true,
    cell: ({ job }) => <To to={`/jobs/glue/${encodeURIComponent(job.Name ?? "")}`}>{job.Name}</To>,
    text: ({ job }) => job.Name,
  },
  { id: "type", header: "Type", cell: ({ job }) => commandInWords(job), text: ({ job }) => commandInWords(job) },
  {
    id: "last",
    header: "Last run",
    cell: ({ job, last }) =>
      last ? (
        <To to={`/jobs/glue/${encodeURIComponent(job.Name ?? "")}/${last.Id}`}>
          <Status status={last.JobRunState} />
        </To>
      ) : (
        "Never"
      ),
    text: ({ last }) => last?.JobRunState ?? "Never",
  },
  {
    id: "started",
    header: "Started",
    cell: ({ last }) => <Ago when={last?.StartedOn} />,
    text: ({ last }) => last?.StartedOn,
  },
  {
    id: "took",
    header: "Duration",
    cell: ({ last }) => (last ? <Took from={last.StartedOn} to={last.CompletedOn} /> : "–"),
  },
  { id: "capacity", header: "Workers", cell: ({ job }) => capacity(job), text: ({ job }) => capacity(job) },
  { id: "version", header: "Glue", cell: ({ job }) => job.GlueVersion ?? "–", text: ({ job }) => job.GlueVersion },
  {
    id: "created",
    header: "Created",
    cell: ({ job }) => <Ago when={job.CreatedOn} />,
    text: ({ job }) => job.CreatedOn,
  },
]

export function GlueList() {
  usePage([{ text: "Glue jobs", href: "/jobs/glue" }])
  const jobs = useJobs()
  return (
    <ResourceTable
      title="Glue jobs"
      headingLevel="h1"
      description="Scripts of ETL, with Spark or without."
      rows={jobs.data}
      error={jobs.error}
      again={() => void jobs.refetch()}
      columns={COLUMNS}
      id={({ job }) => job.Name ?? ""}
      sorted={{ id: "created", descending: true }}
      empty={
        <Empty title="No Glue jobs yet">
          A Glue job runs a script from S3, when it is asked to or when a trigger fires.
          <Start kind="glue" />
        </Empty>
      }
    />
  )
}
