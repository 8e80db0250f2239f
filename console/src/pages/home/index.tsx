/** Home: what runs, what waits for a person, what failed, what is served, and where to begin. */
import ContentLayout from "@cloudscape-design/components/content-layout"
import Grid from "@cloudscape-design/components/grid"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { FAST_MS, inWords, SLOW_MS, useLive } from "@/aws/live"
import { ExampleCards } from "@/pages/examples/cards"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { usePage } from "@/shell/title"
import { Approvals, useApprovals } from "./approvals"
import { Failures } from "./failed"
import { failures } from "./failures"
import "./home.css"
import { MachineBox } from "./machine-box"
import { endpoints, type Going, glueRuns, goingEndpoints, goingGlue, goingRuns, lastRuns, runningJobs } from "./running"
import { RunningTable } from "./running-table"
import { Served } from "./served"

const GLUE_MS = 15_000

/** While something moves, its end is waited for; else a look now and then is enough. */
const pace = (moves: boolean): number => (moves ? FAST_MS : SLOW_MS)

function useHome() {
  const jobs = useLive(["home", "jobs"], runningJobs, { every: (seen) => pace((seen?.length ?? 0) > 0) })
  const runs = useLive(["home", "runs"], lastRuns, { every: (seen) => pace(goingRuns(seen ?? []).length > 0) })
  const served = useLive(["home", "endpoints"], endpoints, {
    every: (seen) => pace(goingEndpoints(seen ?? []).length > 0),
  })
  const glue = useLive(["home", "glue"], glueRuns, { every: GLUE_MS })
  const approvals = useApprovals()
  const settled = [jobs, runs, served, glue, approvals].every((one) => one.data !== undefined || one.error !== null)
  // A new failure is in one of these lists first.
  const failed = useLive(["home", "failed"], () => failures(runs.data ?? [], glue.data ?? [], served.data ?? []), {
    enabled: settled,
  })
  const going: Going[] = [
    ...goingRuns(runs.data ?? []),
    ...(jobs.data ?? []),
    ...goingGlue(glue.data ?? []),
    ...goingEndpoints(served.data ?? []),
  ]
  const all = [jobs, runs, served, glue, approvals, failed]
  const errors = all.filter((one) => one.error !== null && one.data === undefined)
  const known = settled && (failed.data !== undefined || failed.error !== null)
  return { going, runs, served, approvals, failed, errors, known }
}

export default function Home() {
  usePage([{ text: "Home", href: "/" }])
  const { going, runs, served, approvals, failed, errors, known } = useHome()
  if (!known)
    return (
      <ContentLayout header={<Header variant="h1">Home</Header>}>
        <Waiting what="Looking what runs" />
      </ContentLayout>
    )
  const nothing = ![going, failed.data, approvals.data, served.data, runs.data].some((one) => one && one.length > 0)
  if (nothing && !errors.length) return <Beginning going={going} />
  return (
    <ContentLayout header={<Header variant="h1">Home</Header>}>
      <SpaceBetween size="l">
        {/* What one may not read leaves the rest standing; of what is not known nothing is said, not even "none". */}
        {[...new Map(errors.map((one) => [inWords(one.error), one]))].map(([words, one]) => (
          <Problem key={words} error={one.error} again={() => void one.refetch()} header="A part could not be read" />
        ))}
        <Grid gridDefinition={TWO}>
          <SpaceBetween size="l">
            {(going.length > 0 || errors.length === 0) && <RunningTable going={going} />}
            {served.data && <Served endpoints={served.data} />}
          </SpaceBetween>
          <SpaceBetween size="l">
            <MachineBox going={going} />
            {approvals.data && <Approvals versions={approvals.data} />}
          </SpaceBetween>
        </Grid>
        {failed.data && <Failures failures={failed.data} />}
        <SpaceBetween size="s">
          <Header variant="h2">Start an example</Header>
          <ExampleCards level="h3" />
        </SpaceBetween>
      </SpaceBetween>
    </ContentLayout>
  )
}

const TWO = [{ colspan: { default: 12, s: 8 } }, { colspan: { default: 12, s: 4 } }]

function Beginning({ going }: { going: readonly Going[] }) {
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="Nothing runs yet. Start with an example: it goes the whole road from raw data to a model that answers, and one click removes all of it."
        >
          Welcome to Clary
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ExampleCards />
        <MachineBox going={going} wide />
      </SpaceBetween>
    </ContentLayout>
  )
}
