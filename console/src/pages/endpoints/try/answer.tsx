/** What came back: in words or bars where the page's document says how to read it, always as it is. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import { read } from "@/app/logic/answer"
import type { Output } from "@/app/logic/document"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { bytes, number, percent } from "@/parts/format"
import { latency } from "../timeline/lanes"
import type { Answer as Given } from "./invoke"
import { pretty } from "./pretty"

function Read({ answer, output }: { answer: Given; output: Output }) {
  const found = read(answer.text, answer.contentType, output)
  if (found.kind === "raw") return null
  if (found.kind === "number") {
    const unit = output.kind === "number" ? (output.unit ?? "") : ""
    return (
      <Box variant="h1" tagOverride="p">
        {number(found.value)} {unit}
      </Box>
    )
  }
  return (
    <div>
      <Box variant="h1" tagOverride="p">
        {found.label}
      </Box>
      <ul className="clary-bars">
        {found.bars.map((bar) => (
          <li key={bar.label}>
            <span>{bar.label}</span>
            <span className="clary-share-bar" aria-hidden="true">
              <span style={{ width: `${bar.share * 100}%` }} />
            </span>
            <span className="clary-numbers">{percent(bar.share)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

type Props = { answer: Given | undefined; output: Output | undefined; partial: string; busy: boolean }

export function Answer({ answer, output, partial, busy }: Props) {
  return (
    <Container
      header={
        <Header
          variant="h2"
          info={
            answer && (
              <StatusIndicator type={answer.ok ? "success" : "error"}>
                {answer.status ?? "No answer"}
                {answer.status && answer.ok ? " OK" : ""}
              </StatusIndicator>
            )
          }
        >
          Answer
        </Header>
      }
    >
      <div aria-live="polite">
        {busy && partial ? (
          <Code label="Answer so far" text={partial} />
        ) : !answer ? (
          <Empty title={busy ? "Waiting for the model" : "Nothing was asked yet"}>
            {busy
              ? undefined
              : "The request is signed in the browser and counts like any other: it is in the metrics, and captured if capture is on."}
          </Empty>
        ) : (
          <SpaceBetween size="m">
            {answer.problem && (
              <Alert
                type="error"
                header={
                  answer.problem.modelStatus === undefined ? "The request was refused" : "The model refused the request"
                }
              >
                <span className="clary-break">{answer.problem.words}</span>
              </Alert>
            )}
            {answer.ok && output && <Read answer={answer} output={output} />}
            {answer.binary ? (
              <Box color="text-body-secondary">The answer is {bytes(answer.bytes)} that are no text.</Box>
            ) : (
              answer.text && <Code label="Answer" text={pretty(answer.text)} />
            )}
            <Facts
              columns={3}
              facts={[
                ["Time", latency(answer.ms)],
                ["Variant", answer.variant],
                ["Content type", answer.contentType],
                ["Size", answer.ok ? bytes(answer.bytes) : undefined],
                ["Model's status", answer.problem?.modelStatus],
              ]}
            />
            {Object.keys(answer.headers).length > 0 && (
              <ExpandableSection headerText="Headers" variant="footer">
                <Code
                  label="Headers"
                  text={Object.entries(answer.headers)
                    .sort(([a], [b]) => a.localeCompare(b))
                    .map(([name, value]) => `${name}: ${value}`)
                    .join("\n")}
                />
              </ExpandableSection>
            )}
          </SpaceBetween>
        )}
      </div>
    </Container>
  )
}
