/** Removing an example: first the list of everything it made, then what becomes of each. */
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator"
import { useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { words } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { keyOf, type Removal } from "./doing"
import { inventory, type Thing } from "./inventory"

type Props = { example: string; onYes: () => void; onNo: () => void }

export function CleanUp({ example, onYes, onNo }: Props) {
  const { data, error, refetch } = useLive(["inventory", example], () => inventory(example), { every: false })
  return (
    <Confirm title={`Clean up ${example}`} verb="Delete everything" onYes={onYes} onNo={onNo} busy={!data && !error}>
      {error && <Problem error={error} again={() => void refetch()} />}
      {!data && !error && <Waiting what="Looking what there is" />}
      {data && (
        <SpaceBetween size="s">
          <Box variant="p">This is deleted, in this order. It cannot be brought back.</Box>
          <ul className="clary-example-makes" aria-label="What is deleted">
            {data.map((one) => (
              <li key={keyOf(one)}>
                <Said thing={one} />
              </li>
            ))}
          </ul>
          <Box variant="small">Jobs, their logs and their lineage stay as a record, as on AWS.</Box>
        </SpaceBetween>
      )}
    </Confirm>
  )
}

const Said = ({ thing }: { thing: Thing }) => (
  <span className="clary-break">
    {words(thing.kind)}: {thing.name}
    {thing.kind === "bucket" ? ", with all of its objects" : ""}
  </span>
)

const DRAWN: Record<Removal["state"], { type: StatusIndicatorProps.Type; said: string }> = {
  waiting: { type: "pending", said: "Waiting" },
  removing: { type: "in-progress", said: "Deleting" },
  gone: { type: "success", said: "Deleted" },
  failed: { type: "error", said: "Not deleted" },
}

export function Removals({ removals, going }: { removals: readonly Removal[]; going: boolean }) {
  const gone = removals.filter((one) => one.state === "gone").length
  return (
    <Container
      header={
        <Header variant="h2" counter={`(${gone} of ${removals.length} deleted)`}>
          {going ? "Cleaning up" : "Cleaned up"}
        </Header>
      }
    >
      <ol className="clary-road clary-road-tight" aria-label="What is cleaned up">
        {removals.map((one) => (
          <li key={keyOf(one)} data-state={one.state}>
            <StatusIndicator type={DRAWN[one.state].type} iconAriaLabel={DRAWN[one.state].said}>
              <Said thing={one} />
            </StatusIndicator>
            {one.why && (
              <Box color="text-status-error" display="inline">
                {one.why}
              </Box>
            )}
          </li>
        ))}
      </ol>
    </Container>
  )
}
