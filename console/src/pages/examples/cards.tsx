/** A card for each example: what it shows, how long it takes, what it makes, and the click that starts it. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import { useNavigate } from "react-router"
import { useLive } from "@/aws/live"
import { consoleHref, To, useFollow } from "@/shell/link"
import { EXAMPLES, type Example } from "./catalogue"
import { begin, useDoing } from "./doing"
import "./examples.css"
import { startedExamples } from "./tagged"

export function ExampleCards({ level = "h2" }: { level?: "h2" | "h3" }) {
  const { data: started, error } = useLive(["examples"], startedExamples)
  return (
    <ul className="clary-example-cards" aria-label="Examples">
      {EXAMPLES.map((one) => (
        <li key={one.name}>
          <Card example={one} started={error && !started ? false : started?.has(one.name)} level={level} />
        </li>
      ))}
    </ul>
  )
}

/** `started`: something of it is there; undefined: that is not known yet. */
function Card({ example, started, level }: { example: Example; started: boolean | undefined; level: "h2" | "h3" }) {
  const { starting, cleaning } = useDoing(example.name)
  const navigate = useNavigate()
  const follow = useFollow()
  const to = `/examples/${example.name}`
  const start = () => {
    void begin(example.name)
    navigate(to)
  }
  return (
    <Container
      fitHeight
      header={
        <Header variant="h2" headingTagOverride={level} description={example.takes}>
          <To to={to} fontSize="inherit">
            {example.title}
          </To>
        </Header>
      }
      footer={
        started || starting || cleaning ? (
          <SpaceBetween direction="horizontal" size="s" alignItems="center">
            <Button href={consoleHref(to)} onFollow={follow} ariaLabel={`Open ${example.name}`}>
              Open
            </Button>
            <StatusIndicator type={starting || cleaning ? "in-progress" : "success"}>
              {cleaning ? "Cleaning up" : starting ? "Starting" : "Started"}
            </StatusIndicator>
          </SpaceBetween>
        ) : (
          <Button variant="primary" disabled={started === undefined} onClick={start}>
            Start {example.name}
          </Button>
        )
      }
    >
      <SpaceBetween size="s">
        <Box variant="p">{example.shows}</Box>
        <ul className="clary-example-makes" aria-label={`What ${example.name} makes`}>
          {example.makes.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </SpaceBetween>
    </Container>
  )
}
