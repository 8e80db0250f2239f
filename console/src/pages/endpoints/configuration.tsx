/** The documents: what the wire says of the endpoint and its configuration, and its tags. */
import { ListTagsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { Problem } from "@/parts/problem"
import type { Context } from "./context"

const plain = (document: object | undefined) => {
  if (document === undefined) return undefined
  const { $metadata: _, ...said } = document as { $metadata?: unknown }
  return said
}

export function Configuration({ endpoint, config }: Context) {
  const tags = useLive(
    ["tags", endpoint.EndpointArn],
    () =>
      all(
        (NextToken) => aws(SageMakerClient).send(new ListTagsCommand({ ResourceArn: endpoint.EndpointArn, NextToken })),
        (page) => page.Tags,
        (page) => page.NextToken,
      ),
    { every: false },
  )
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Tags</Header>}>
        {tags.error ? (
          <Problem error={tags.error} />
        ) : tags.data?.length ? (
          <Facts facts={tags.data.map((one) => [one.Key ?? "", one.Value])} />
        ) : (
          <Empty title={tags.data ? "No tags" : "Reading the tags"} />
        )}
      </Container>
      <ColumnLayout columns={2} minColumnWidth={420}>
        <Container header={<Header variant="h2">DescribeEndpoint</Header>} fitHeight>
          <Json value={plain(endpoint)} label="Endpoint" />
        </Container>
        <Container header={<Header variant="h2">DescribeEndpointConfig</Header>} fitHeight>
          {config ? (
            <Json value={plain(config)} label="Configuration" />
          ) : (
            <Empty title={`The configuration ${endpoint.EndpointConfigName ?? ""} is gone`}>
              The endpoint goes on serving without it. An update needs another one.
            </Empty>
          )}
        </Container>
      </ColumnLayout>
    </SpaceBetween>
  )
}
