/** What an endpoint is and does at this moment, and what became of it over time. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { PageOfEndpoint } from "@/apps"
import { Code } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { S3 } from "@/parts/s3"
import { Ago, Instant } from "@/parts/time"
import { Backlog } from "./backlog"
import { folder } from "./captured/places"
import type { Context } from "./context"
import { namesOf, useConfig } from "./read"
import { TimeLine } from "./timeline"
import { invocationUrl } from "./try/snippets"
import { VariantTable } from "./variant-table"
import { variantsOf } from "./variants"

export function Overview(context: Context) {
  const { endpoint, config, alarms, changes } = context
  const name = endpoint.EndpointName ?? ""
  const pending = endpoint.PendingDeploymentSummary
  const next = useConfig(pending?.EndpointConfigName)
  const capture = endpoint.DataCaptureConfig
  const asynchronous = endpoint.AsyncInferenceConfig
  return (
    <SpaceBetween size="l">
      {pending && (
        <SpaceBetween size="s">
          <Alert type="info" header={`On its way to ${pending.EndpointConfigName}`}>
            Since <Ago when={pending.StartTime} />. Both deployments are below; requests go to both by their weights.
          </Alert>
          <VariantTable
            title="Coming variants"
            description={`Configuration ${pending.EndpointConfigName}`}
            variants={variantsOf(pending, next.data)}
          />
        </SpaceBetween>
      )}
      <VariantTable
        title={pending ? "Serving variants" : "Variants"}
        description={`Configuration ${endpoint.EndpointConfigName ?? "–"}`}
        variants={variantsOf(endpoint, config)}
      />
      {asynchronous && <Backlog endpoint={name} config={asynchronous} />}
      <TimeLine endpoint={name} variants={namesOf(endpoint)} alarms={alarms} changes={changes} />
      {!asynchronous && <PageOfEndpoint endpoint={name} />}
      <Container header={<Header variant="h2">Facts</Header>}>
        <SpaceBetween size="m">
          <Facts
            facts={[
              ["Made", <Instant key="made" when={endpoint.CreationTime} />],
              ["Changed", <Instant key="changed" when={endpoint.LastModifiedTime} />],
              ["Configuration", endpoint.EndpointConfigName],
              [
                "Data capture",
                capture?.EnableCapture ? `${capture.CaptureStatus}, ${capture.CurrentSamplingPercentage} %` : "Off",
              ],
              ...(capture?.EnableCapture
                ? ([["Captured to", <S3 key="to" uri={folder(capture.DestinationS3Uri)} />]] as [
                    string,
                    React.ReactNode,
                  ][])
                : []),
            ]}
          />
          <div>
            <Box variant="awsui-key-label">Requests go to</Box>
            <Code label="URL of invocations" text={invocationUrl(name, asynchronous !== undefined)} />
          </div>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}
