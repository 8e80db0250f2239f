/** What a version or model runs: images, data, environment. */
import type {
  ContainerDefinition,
  InferenceSpecification,
  ModelPackageContainerDefinition,
} from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { pageOf } from "@/parts/arn"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { S3 } from "@/parts/s3"
import { To } from "@/shell/link"

export function Containers({ specification }: { specification: InferenceSpecification | undefined }) {
  const containers = specification?.Containers ?? []
  const list = (values: readonly string[] | undefined) => values?.join(", ")
  return (
    <Container
      header={<Header variant="h2">{containers.length > 1 ? "Containers, in their order" : "Container"}</Header>}
    >
      {containers.length === 0 ? (
        <Box color="text-body-secondary">This version says nothing of how it is run.</Box>
      ) : (
        <SpaceBetween size="l">
          {containers.map((one, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the place in the chain is what a container is
            <ContainerFacts key={at} container={one} heading={containers.length > 1 ? `${at + 1}.` : ""} />
          ))}
          <Facts
            facts={[
              ["Takes", list(specification?.SupportedContentTypes)],
              ["Answers", list(specification?.SupportedResponseMIMETypes)],
              ["Instances for requests", list(specification?.SupportedRealtimeInferenceInstanceTypes)],
              ["Instances for batches", list(specification?.SupportedTransformInstanceTypes)],
            ]}
          />
        </SpaceBetween>
      )}
    </Container>
  )
}

type Definition = ModelPackageContainerDefinition | ContainerDefinition

export function ContainerFacts({ container, heading }: { container: Definition; heading: string }) {
  const environment = Object.entries(container.Environment ?? {})
  const source = container.ModelDataSource?.S3DataSource?.S3Uri
  const made = "ModelPackageName" in container ? container.ModelPackageName : undefined
  const host = container.ContainerHostname
  return (
    <SpaceBetween size="s">
      {(heading || host) && <Box variant="h3">{[heading, host].filter(Boolean).join(" ")}</Box>}
      <Facts
        columns={made ? 3 : 2}
        facts={[
          ...(made ? [["Version", <Made key="made" name={made} />] as [string, React.ReactNode]] : []),
          ["Image", container.Image && <Copy key="image" text={container.Image} shown={container.Image} />],
          ["Model data", <S3 key="data" uri={container.ModelDataUrl ?? source} />],
        ]}
      />
      {environment.length > 0 && (
        <ExpandableSection headerText={`Environment (${environment.length})`}>
          <Facts
            columns={2}
            facts={environment.map(([key, value]) => [
              key,
              <span key={key} className="clary-break">
                {value}
              </span>,
            ])}
          />
        </ExpandableSection>
      )}
    </SpaceBetween>
  )
}

function Made({ name }: { name: string }) {
  const page = pageOf(name) ?? (/^[^:/]+\/\d+$/.test(name) ? `/models/${name}` : undefined)
  const called = name.split(":model-package/")[1] ?? name
  return page ? <To to={page}>{called}</To> : called
}
