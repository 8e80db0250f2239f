/** What the pages of Glue's jobs read. */
import {
  GetJobBookmarkCommand,
  GetJobCommand,
  GetJobRunCommand,
  GetJobRunsCommand,
  GetJobsCommand,
  GetTriggersCommand,
  GlueClient,
  type Job,
  type JobRun,
} from "@aws-sdk/client-glue"
import { aws } from "@/aws/client"
import { FAST_MS, isMissing, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { duration, number } from "@/parts/format"
import { moving } from "@/parts/status"

const glue = () => aws(GlueClient)
const pace = (states: (string | undefined)[]) => (states.some(moves) ? FAST_MS : SLOW_MS)

/** A run that waits for another is no end either. */
export const moves = (state: string | undefined): boolean => moving(state) || state === "WAITING"

export type JobWithRun = { job: Job; last?: JobRun }

async function lastRun(JobName: string | undefined): Promise<JobRun | undefined> {
  const page = await glue().send(new GetJobRunsCommand({ JobName, MaxResults: 1 }))
  return page.JobRuns?.[0]
}

export const useJobs = () =>
  useLive(
    ["jobs", "glue", "list"],
    async () => {
      const jobs = await all(
        (NextToken) => glue().send(new GetJobsCommand({ NextToken, MaxResults: 100 })),
        (page) => page.Jobs,
        (page) => page.NextToken,
      )
      return Promise.all(jobs.map(async (job): Promise<JobWithRun> => ({ job, last: await lastRun(job.Name) })))
    },
    { every: (seen) => pace((seen ?? []).map((one) => one.last?.JobRunState)) },
  )

export const useJob = (name: string) =>
  useLive(
    ["jobs", "glue", "one", name],
    () =>
      glue()
        .send(new GetJobCommand({ JobName: name }))
        .then((said) => said.Job),
    {
      keep: false,
    },
  )

export const useRuns = (name: string) =>
  useLive(
    ["jobs", "glue", "runs", name],
    () =>
      all(
        (NextToken) => glue().send(new GetJobRunsCommand({ JobName: name, NextToken, MaxResults: 100 })),
        (page) => page.JobRuns,
        (page) => page.NextToken,
      ),
    { keep: false, every: (seen) => pace((seen ?? []).map((run) => run.JobRunState)) },
  )

export const useRun = (name: string, run: string) =>
  useLive(
    ["jobs", "glue", "run", name, run],
    () =>
      glue()
        .send(new GetJobRunCommand({ JobName: name, RunId: run }))
        .then((said) => said.JobRun),
    { keep: false, every: (seen) => pace([seen?.JobRunState]) },
  )

export const useTriggers = (name: string) =>
  useLive(["jobs", "glue", "triggers", name], () =>
    all(
      (NextToken) => glue().send(new GetTriggersCommand({ DependentJobName: name, NextToken })),
      (page) => page.Triggers,
      (page) => page.NextToken,
    ),
  )

export const BOOKMARK = "--job-bookmark-option"
/** Whether that value of the argument lets runs go on where the last one ended: only then is there a bookmark to ask for. */
export const remembers = (option: string | undefined): boolean =>
  option !== undefined && option !== "job-bookmark-disable"

/** null: nothing has been committed. */
export const useBookmark = (name: string, enabled: boolean) =>
  useLive(
    ["jobs", "glue", "bookmark", name],
    async () => {
      try {
        return (await glue().send(new GetJobBookmarkCommand({ JobName: name }))).JobBookmarkEntry ?? null
      } catch (problem) {
        if (isMissing(problem)) return null
        throw problem
      }
    },
    { enabled },
  )

const COMMANDS: Record<string, string> = {
  glueetl: "Spark",
  pythonshell: "Python shell",
  gluestreaming: "Spark streaming",
}
export const commandInWords = (job: Job | undefined): string => {
  const name = job?.Command?.Name
  return name ? (COMMANDS[name] ?? name) : "–"
}

/** The workers or units that a job or a run asks for, as it names them. */
export function capacity(one: Job | JobRun | undefined): string {
  if (one?.WorkerType) return `${one.NumberOfWorkers ?? 1} × ${one.WorkerType}`
  return one?.MaxCapacity === undefined ? "–" : `${number(one.MaxCapacity)} DPU`
}

export const minutes = (value: number | undefined): string => (value === undefined ? "–" : duration(value * 60_000))

/** "jr_96f607f85ed4…" in tables; the whole id stands on the run's own page. */
export const shortRun = (id: string | undefined): string => {
  const text = id ?? ""
  const attempt = /_attempt_\d+$/.exec(text)?.[0] ?? ""
  return text.length > 16 + attempt.length ? `${text.slice(0, 15)}…${attempt}` : text
}
