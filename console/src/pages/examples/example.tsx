/** One example: what will happen, the click that starts it, how far it has come, and the click that removes it. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import ContentLayout from "@cloudscape-design/components/content-layout"
import Grid from "@cloudscape-design/components/grid"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { useParams } from "react-router"
import { FAST_MS, SLOW_MS, useAct, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { type Example, exampleOf } from "./catalogue"
import { checklist, doneOf, moves } from "./checklist"
import { CleanUp, Removals } from "./clean-up"
import { begin, clean, type Doing, useDoing } from "./doing"
import "./examples.css"
import { type Found, found } from "./found"
import { Road } from "./road"
import { runAgain } from "./start"

export function ExamplePage() {
  const { name = "" } = useParams()
  const example = exampleOf(name)
  return example ? <Known key={name} example={example} /> : <Nowhere what={`An example called ${name}`} />
}

const every = (seen: Found | undefined): number => (moves(checklist(seen)) ? FAST_MS : SLOW_MS)

function Known({ example }: { example: Example }) {
  usePage([
    { text: "Examples", href: "/examples" },
    { text: example.name, href: `/examples/${example.name}` },
  ])
  const doing = useDoing(example.name)
  const { starting, cleaning } = doing
  const seen = useLive(["example", example.name], () => found(example.name), {
    every: starting ? FAST_MS : every,
    enabled: !cleaning, // what is being removed cannot be read in peace
  })
  useLookAgain(starting, cleaning)
  const [asking, setAsking] = useState(false)
  const items = checklist(seen.data, starting)
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={example.shows}
          actions={<Actions example={example} seen={seen.data} doing={doing} onClean={() => setAsking(true)} />}
        >
          {example.title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Said doing={doing} seen={seen.data} />
        {seen.error && !seen.data && <Problem error={seen.error} again={() => void seen.refetch()} />}
        {doing.removals.length > 0 && <Removals removals={doing.removals} going={cleaning} />}
        <Grid gridDefinition={[{ colspan: { default: 12, s: 8 } }, { colspan: { default: 12, s: 4 } }]}>
          <Container
            header={
              <Header variant="h2" counter={seen.data && `(${doneOf(items)} of ${items.length} done)`}>
                The road
              </Header>
            }
          >
            {seen.data || starting ? <Road items={items} /> : !seen.error && <Waiting what="Looking how far it is" />}
          </Container>
          <What example={example} />
        </Grid>
      </SpaceBetween>
      {asking && (
        <CleanUp
          example={example.name}
          onNo={() => setAsking(false)}
          onYes={() => {
            setAsking(false)
            void clean(example.name)
          }}
        />
      )}
    </ContentLayout>
  )
}

/** When something was begun or has ended, the page does not wait for its next look. */
function useLookAgain(starting: string, cleaning: boolean): void {
  const queries = useQueryClient()
  const busy = starting !== "" || cleaning
  // biome-ignore lint/correctness/useExhaustiveDependencies: the change of `busy` is what is acted on
  useEffect(() => {
    void queries.invalidateQueries()
  }, [busy, queries])
}

type ActionsProps = { example: Example; seen: Found | undefined; doing: Doing; onClean: () => void }

function Actions({ example, seen, doing, onClean }: ActionsProps) {
  const again = useAct((name: string) => runAgain(name), "The pipeline runs again")
  const busy = doing.starting !== "" || doing.cleaning
  const run = seen?.execution
  const over = run !== undefined && !["Executing", "Stopping"].includes(run.PipelineExecutionStatus ?? "")
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {seen && (seen.things.length > 0 || doing.cleaning) && (
        <Button onClick={onClean} loading={doing.cleaning} disabled={busy}>
          Clean up
        </Button>
      )}
      {seen?.name && over && !busy && (
        <Button onClick={() => again.mutate(seen.name ?? "")} loading={again.isPending}>
          Run again
        </Button>
      )}
      {!run && !doing.cleaning && (
        <Button
          variant="primary"
          onClick={() => void begin(example.name)}
          loading={doing.starting !== ""}
          disabled={!seen}
        >
          Start {example.name}
        </Button>
      )}
    </SpaceBetween>
  )
}

/** What the last start or cleaning in this tab has to say. */
function Said({ doing, seen }: { doing: Doing; seen: Found | undefined }) {
  if (doing.startFailed)
    return (
      <Alert type="error" header="It could not be started">
        {doing.startFailed}. What was made so far is there: start it again to go on, or clean up.
      </Alert>
    )
  if (doing.cleanFailed)
    return (
      <Alert type="error" header="It could not be cleaned up">
        {doing.cleanFailed}
      </Alert>
    )
  const failed = doing.removals.filter((one) => one.state === "failed").length
  if (doing.cleaning || !doing.removals.length) return null
  if (failed)
    return (
      <Alert type="warning" header={`${failed} of ${doing.removals.length} could not be deleted`}>
        The list below says why. Clean up once more when that is settled.
      </Alert>
    )
  if (seen?.things.length) return null
  return (
    <Alert type="success" header="Everything that it made is gone">
      Its jobs, their logs and their lineage stay as a record, as on AWS.
    </Alert>
  )
}

function What({ example }: { example: Example }) {
  return (
    <Container header={<Header variant="h2">What will happen</Header>}>
      <SpaceBetween size="m">
        <ol className="clary-example-steps" aria-label="Steps of the pipeline">
          {example.steps.map((one) => (
            <li key={one.title}>
              <b>{one.title}.</b> {one.does}
            </li>
          ))}
        </ol>
        <Box color="text-body-secondary">
          {example.takes}. Everything is made on this server through the AWS API, with the tag clary:example, and can be
          removed again.
        </Box>
      </SpaceBetween>
    </Container>
  )
}
