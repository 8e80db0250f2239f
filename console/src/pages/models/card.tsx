/** The model card inside a version. */
import type { ModelPackageModelCard } from "@aws-sdk/client-sagemaker"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Code, Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { Status } from "@/parts/status"

const words = (name: string): string => {
  const spaced = name.replaceAll("_", " ")
  return (spaced[0] ?? "").toUpperCase() + spaced.slice(1)
}

export function Card({ card }: { card: ModelPackageModelCard }) {
  const content = parsed(card.ModelCardContent)
  return (
    <Container
      header={
        <Header variant="h2" info={<Status status={card.ModelCardStatus} />}>
          Model card
        </Header>
      }
    >
      {content === undefined ? (
        <Code text={card.ModelCardContent ?? ""} label="Model card" />
      ) : (
        <SpaceBetween size="l">
          {Object.entries(content).map(([part, value]) => (
            <Part key={part} title={words(part)} value={value} />
          ))}
        </SpaceBetween>
      )}
    </Container>
  )
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "")
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function Part({ title, value }: { title: string; value: unknown }) {
  const plain = Object.entries((value ?? {}) as Record<string, unknown>)
  const simple = typeof value === "object" && plain.every(([, one]) => typeof one !== "object")
  return (
    <SpaceBetween size="xs">
      <Header variant="h3">{title}</Header>
      {simple ? (
        <Facts
          columns={2}
          facts={plain.map(([key, one]) => [
            words(key),
            <span key={key} className="clary-break">
              {String(one)}
            </span>,
          ])}
        />
      ) : (
        <Json value={value} label={title} />
      )}
    </SpaceBetween>
  )
}
