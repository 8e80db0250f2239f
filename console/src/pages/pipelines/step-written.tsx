/** A step as the definition has it, before anything has run. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { typeSaid } from "./dag/icon"
import { type Definition, needsOf, type Step } from "./definition"

export function StepWritten({ step, definition }: { step: Step; definition: Definition }) {
  return (
    <Container
      header={
        <Header variant="h2" description={step.description}>
          {step.title}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Facts
          columns={3}
          facts={[
            ["Type", typeSaid(step.type)],
            ["Waits for", waitsFor(step, definition)],
            ["Property files", step.files.map((one) => one.name).join(", ")],
          ]}
        />
        <Json label="Step" value={step.document} />
      </SpaceBetween>
    </Container>
  )
}

export function waitsFor(step: Step, definition: Definition): string {
  return needsOf(definition, step.name)
    .map((one) => (one.branch ? `${one.from} (if ${one.branch === "if" ? "true" : "false"})` : one.from))
    .join(", ")
}
