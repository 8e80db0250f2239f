/** A Glue job: its runs, its script, its arguments, what triggers it. */
import {
  BatchStopJobRunCommand,
  DeleteJobCommand,
  GlueClient,
  type Job,
  type JobRun,
  ResetJobBookmarkCommand,
} from "@aws-sdk/client-glue"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { useNavigate, useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Status } from "@/parts/status"
import { Ago, Instant, Took } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { type Deed, Doing, SCROLL } from "../frame"
import { Pairs, Role } from "../sections"
import {
  BOOKMARK,
  capacity,
  commandInWords,
  minutes,
  moves,
  remembers,
  shortRun,
  useBookmark,
  useJob,
  useRuns,
} from "./reads"
import { Script } from "./script"
import { StartRun } from "./start-run"
import { Triggers } from "./triggers"

export function JobPage() {
  const { name = "" } = useParams()
  usePage([
    { text: "Glue jobs", href: "/jobs/glue" },
    { text: name, href: "" },
  ])
  const found = useJob(name)
  if (found.error && isMissing(found.error)) return <Nowhere what={`The Glue job ${name}`} />
  if (found.error && !found.data) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what={`Reading ${name}`} />
  return <Page key={name} name={name} job={found.data} />
}

function Page({ name, job }: { name: string; job: Job }) {
  const navigate = useNavigate()
  const [params, setParams] = useSearchParams()
  const [starts, setStarts] = useState(false)
  const [deed, setDeed] = useState<Deed | null>(null)
  const bookmarked = { ...job.DefaultArguments, ...job.NonOverridableArguments }[BOOKMARK]
  const bookmark = useBookmark(name, remembers(bookmarked))
  const reset: Deed = {
    verb: "Reset",
    title: `Reset the bookmark of ${name}?`,
    said: `The bookmark of ${name} is reset`,
    about: "The next run reads everything again, from the beginning.",
    act: () => aws(GlueClient).send(new ResetJobBookmarkCommand({ JobName: name })),
  }
  const remove: Deed = {
    verb: "Delete",
    title: `Delete ${name}?`,
    said: `${name} is deleted`,
    about: "Its runs and its bookmark go with it; a run under way is stopped. Its script and what it stored stay.",
    act: () => aws(GlueClient).send(new DeleteJobCommand({ JobName: name })),
    next: "/jobs/glue",
  }
  const tabs = [
    { id: "runs", label: "Runs", content: <Runs name={name} onStart={() => setStarts(true)} onDeed={setDeed} /> },
    { id: "script", label: "Script", content: <Script uri={job.Command?.ScriptLocation} /> },
    {
      id: "arguments",
      label: "Arguments",
      content: (
        <SpaceBetween size="l">
          <Pairs title="Default arguments" of={job.DefaultArguments} none="No arguments of its own" />
          {job.NonOverridableArguments && (
            <Pairs title="Arguments that no run changes" of={job.NonOverridableArguments} none="None" />
          )}
        </SpaceBetween>
      ),
    },
    { id: "triggers", label: "Triggers", content: <Triggers name={name} /> },
  ]
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={job.Description}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setDeed(remove)}>Delete</Button>
            <Button onClick={() => navigate(`/jobs/glue/${encodeURIComponent(name)}/clone`)}>Clone</Button>
            {bookmark.data && <Button onClick={() => setDeed(reset)}>Reset bookmark</Button>}
            <Button variant="primary" onClick={() => setStarts(true)}>
              Start run
            </Button>
          </SpaceBetween>
        }
      >
        {name}
      </Header>
      <Container header={<Header>Overview</Header>}>
        <Facts
          facts={[
            ["Type", commandInWords(job)],
            ["Workers", capacity(job)],
            ["Glue version", job.GlueVersion],
            ["Role", job.Role?.includes("/") ? <Role key="role" arn={job.Role} /> : job.Role],
            ["Script", <S3 key="script" uri={job.Command?.ScriptLocation} />],
            ["Runs at once", count(job.ExecutionProperty?.MaxConcurrentRuns ?? 1)],
            ["Tries again", job.MaxRetries ? `${count(job.MaxRetries)} times` : "Never"],
            ["May run", minutes(job.Timeout)],
            [
              "Bookmark",
              `${bookmarked?.replace("job-bookmark-", "") ?? "Not used"}${bookmark.data ? `, run ${count(bookmark.data.Run)}` : ""}`,
            ],
            ["Created", <Instant key="created" when={job.CreatedOn} />],
            ["Changed", <Instant key="changed" when={job.LastModifiedOn} />],
          ]}
        />
      </Container>
      <Tabs
        ariaLabel={`About ${name}`}
        i18nStrings={SCROLL}
        activeTabId={tabs.find((tab) => tab.id === params.get("tab"))?.id ?? "runs"}
        onChange={({ detail }) => setParams({ tab: detail.activeTabId }, { replace: true })}
        tabs={tabs}
      />
      {starts && <StartRun job={job} onDone={() => setStarts(false)} />}
      {deed && <Doing deed={deed} onDone={() => setDeed(null)} />}
    </SpaceBetween>
  )
}

function Runs({ name, onStart, onDeed }: { name: string; onStart: () => void; onDeed: (deed: Deed) => void }) {
  const runs = useRuns(name)
  const columns: Column<JobRun>[] = [
    {
      id: "id",
      header: "Run",
      isRowHeader: true,
      cell: (run) => (
        <span title={run.Id}>
          <To to={`/jobs/glue/${encodeURIComponent(name)}/${run.Id}`}>{shortRun(run.Id)}</To>
        </span>
      ),
      text: (run) => run.Id,
    },
    {
      id: "state",
      header: "State",
      cell: (run) => <Status status={run.JobRunState} />,
      text: (run) => run.JobRunState,
    },
    { id: "started", header: "Started", cell: (run) => <Ago when={run.StartedOn} />, text: (run) => run.StartedOn },
    { id: "took", header: "Duration", cell: (run) => <Took from={run.StartedOn} to={run.CompletedOn} /> },
    { id: "attempt", header: "Attempt", cell: (run) => count((run.Attempt ?? 0) + 1), text: (run) => run.Attempt },
    {
      id: "trigger",
      header: "Trigger",
      cell: (run) => run.TriggerName ?? "–",
      text: (run) => run.TriggerName,
    },
    {
      id: "why",
      header: "Why it failed",
      cell: (run) => (
        <span className="clary-job-why" title={run.ErrorMessage}>
          {run.ErrorMessage?.split("\n")[0] ?? "–"}
        </span>
      ),
      text: (run) => run.ErrorMessage,
    },
  ]
  const stop: Column<JobRun> = {
    id: "do",
    header: "Act",
    cell: (run) =>
      moves(run.JobRunState) && run.JobRunState !== "STOPPING" ? (
        <Button variant="inline-link" ariaLabel={`Stop ${run.Id}`} onClick={() => onDeed(stopping(name, run.Id ?? ""))}>
          Stop
        </Button>
      ) : (
        "–"
      ),
  }
  const any = runs.data?.some((run) => moves(run.JobRunState))
  return (
    <ResourceTable
      title="Runs"
      rows={runs.data}
      error={runs.error}
      again={() => void runs.refetch()}
      columns={any ? [...columns.slice(0, 2), stop, ...columns.slice(2)] : columns}
      id={(run) => run.Id ?? ""}
      sorted={{ id: "started", descending: true }}
      empty={
        <Empty title="It has never run" action={<Button onClick={onStart}>Run it</Button>}>
          A run starts here, by a trigger, or with glue.start_job_run(JobName="{name}").
        </Empty>
      }
    />
  )
}

/** BatchStopJobRun answers 200 also where it stopped nothing: its errors are in the answer. */
export const stopping = (name: string, run: string): Deed => ({
  verb: "Stop",
  title: `Stop ${shortRun(run)}?`,
  said: "The run is being stopped",
  about: "Its script is asked to end, and ended two minutes later at the latest.",
  act: async () => {
    const said = await aws(GlueClient).send(new BatchStopJobRunCommand({ JobName: name, JobRunIds: [run] }))
    const refused = said.Errors?.[0]?.ErrorDetail
    if (refused)
      throw Object.assign(new Error(refused.ErrorMessage ?? "It was not stopped"), {
        name: refused.ErrorCode ?? "Error",
      })
  },
})
