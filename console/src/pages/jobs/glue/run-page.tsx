/** A run of a Glue job: how it went, with what, and what it logged. */
import { GlueClient, type JobRun, ResetJobBookmarkCommand } from "@aws-sdk/client-glue"
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { count, duration } from "@/parts/format"
import { LogView } from "@/parts/log-view"
import { Problem } from "@/parts/problem"
import { Status } from "@/parts/status"
import { Instant, Took } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { type Deed, Doing, SCROLL } from "../frame"
import { Overview, Pairs } from "../sections"
import { stopping } from "./job-page"
import { BOOKMARK, capacity, minutes, moves, remembers, shortRun, useBookmark, useJob, useRun } from "./reads"
import { StartRun } from "./start-run"

export function RunPage() {
  const { name = "", run = "" } = useParams()
  const job = `/jobs/glue/${encodeURIComponent(name)}`
  usePage([
    { text: "Glue jobs", href: "/jobs/glue" },
    { text: name, href: job },
    { text: shortRun(run), href: "" },
  ])
  const found = useRun(name, run)
  if (found.error && isMissing(found.error)) return <Nowhere what="This run" />
  if (found.error && !found.data) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what="Reading the run" />
  return <Page key={run} name={name} run={found.data} />
}

function Page({ name, run }: { name: string; run: JobRun }) {
  const [params, setParams] = useSearchParams()
  const job = useJob(name)
  const bookmark = useBookmark(name, remembers({ ...job.data?.DefaultArguments, ...run.Arguments }[BOOKMARK]))
  const [starts, setStarts] = useState(false)
  const [deed, setDeed] = useState<Deed | null>(null)
  const id = run.Id ?? ""
  const live = moves(run.JobRunState)
  const group = run.LogGroupName ?? "/aws-glue/jobs"
  const path = `/jobs/glue/${encodeURIComponent(name)}`
  const reset: Deed = {
    verb: "Reset",
    title: "Reset the bookmark to this run?",
    said: `The bookmark of ${name} stands behind this run`,
    about: "What came after this run is forgotten: the next run goes on from what this one had read.",
    act: () => aws(GlueClient).send(new ResetJobBookmarkCommand({ JobName: name, RunId: id })),
  }
  const tabs = [
    {
      id: "output",
      label: "Output",
      content: <LogView group={`${group}/output`} prefix={id} live={live} title="Output" />,
    },
    {
      id: "errors",
      label: "Errors",
      content: <LogView group={`${group}/error`} prefix={id} live={live} title="Errors" />,
    },
    {
      id: "arguments",
      label: "Arguments",
      content: (
        <Pairs title="Arguments" of={run.Arguments} none="The run was given no arguments: the job's own count" />
      ),
    },
  ]
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={<Status status={run.JobRunState} />}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {live && (
              <Button disabled={run.JobRunState === "STOPPING"} onClick={() => setDeed(stopping(name, id))}>
                Stop
              </Button>
            )}
            {bookmark.data && !live && <Button onClick={() => setDeed(reset)}>Reset bookmark to here</Button>}
            <Button variant="primary" disabled={!job.data} onClick={() => setStarts(true)}>
              Run again
            </Button>
          </SpaceBetween>
        }
      >
        Run of {name}
      </Header>
      {run.ErrorMessage && (
        <Alert
          type={run.JobRunState === "FAILED" || run.JobRunState === "TIMEOUT" ? "error" : "warning"}
          header={run.JobRunState === "TIMEOUT" ? "It ran too long" : "It failed"}
        >
          <pre className="clary-mono">{run.ErrorMessage}</pre>
        </Alert>
      )}
      {live && run.StateDetail && <Alert type="info">{run.StateDetail}</Alert>}
      <Overview
        facts={[
          [
            "Job",
            <To key="job" to={path}>
              {name}
            </To>,
          ],
          ["Started", <Instant key="started" when={run.StartedOn} />],
          ["Duration", <Took key="took" from={run.StartedOn} to={run.CompletedOn} />],
          ["The script ran", ran(run.ExecutionTime)],
          ["Attempt", count((run.Attempt ?? 0) + 1)],
          [
            "Before it",
            run.PreviousRunId ? (
              <To key="previous" to={`${path}/${run.PreviousRunId}`}>
                {shortRun(run.PreviousRunId)}
              </To>
            ) : undefined,
          ],
          ["Started by", run.TriggerName ?? "A person or a program"],
          ["May run", minutes(run.Timeout)],
          ["Workers", capacity(run)],
          ["DPU seconds", run.DPUSeconds === undefined ? undefined : count(run.DPUSeconds)],
          ["Glue version", run.GlueVersion],
        ]}
        long={[["Run", <Copy key="id" text={id} shown={id} label="Copy run" />]]}
      />
      <Tabs
        ariaLabel="About the run"
        i18nStrings={SCROLL}
        activeTabId={tabs.find((tab) => tab.id === params.get("tab"))?.id ?? "output"}
        onChange={({ detail }) => setParams({ tab: detail.activeTabId }, { replace: true })}
        tabs={tabs}
      />
      {starts && job.data && <StartRun job={job.data} first={run.Arguments} onDone={() => setStarts(false)} />}
      {deed && <Doing deed={deed} onDone={() => setDeed(null)} />}
    </SpaceBetween>
  )
}

/** Glue tells whole seconds. */
function ran(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined
  return seconds === 0 ? "under 1 s" : duration(seconds * 1_000)
}
