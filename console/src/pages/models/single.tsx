/** /models/single/:name: a model of CreateModel. */
import { DescribeModelCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { isMissing, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { nameOf } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { ContainerFacts } from "./containers"
import { Deploy } from "./deploy"
import { DeleteModel } from "./dialogs"
import { LineagePanel } from "./lineage"
import { useTags } from "./packages"
import { Served } from "./served"
import { useServing } from "./serving"
import { TagsPanel } from "./tags"

export function SinglePage({ name }: { name: string }) {
  usePage([
    { text: "Models", href: "/models" },
    { text: name, href: `/models/single/${name}` },
  ])
  const looked = useLive(
    ["models", "model", name],
    () => aws(SageMakerClient).send(new DescribeModelCommand({ ModelName: name })),
    { keep: false },
  )
  const tags = useTags(looked.data?.ModelArn)
  const serving = useServing()
  const [asked, setAsked] = useState<"delete" | "deploy" | "">("")
  if (isMissing(looked.error)) return <Nowhere what={`The model ${name}`} />
  if (looked.error && !looked.data) return <Problem error={looked.error} again={() => void looked.refetch()} />
  if (!looked.data) return <Waiting />
  const { PrimaryContainer, Containers = [], ModelArn = "", ExecutionRoleArn = "" } = looked.data
  const containers = [...(PrimaryContainer ? [PrimaryContainer] : []), ...Containers]
  const served = (serving.data ?? []).filter((one) => one.variants.some((variant) => variant.model === name))
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setAsked("delete")}>Delete</Button>
            <Button variant="primary" onClick={() => setAsked("deploy")}>
              Deploy
            </Button>
          </SpaceBetween>
        }
      >
        {name}
      </Header>
      <Container header={<Header variant="h2">Model</Header>}>
        <Facts
          columns={3}
          facts={[
            ["In service", serving.data ? <Served key="served" serving={served} /> : "–"],
            ["Created", <Instant key="created" when={looked.data.CreationTime} />],
            ["Network", looked.data.EnableNetworkIsolation ? "None: it is isolated" : "That of this machine"],
            [
              "Role",
              ExecutionRoleArn && (
                <Copy key="role" text={ExecutionRoleArn} shown={nameOf(ExecutionRoleArn)} label="Copy the role" />
              ),
            ],
            ["ARN", <Copy key="arn" text={ModelArn} shown={ModelArn} label="Copy the ARN" />],
          ]}
        />
      </Container>
      <Container
        header={<Header variant="h2">{containers.length > 1 ? "Containers, in their order" : "Container"}</Header>}
      >
        <SpaceBetween size="l">
          {containers.length === 0 && <Box color="text-body-secondary">It names no container.</Box>}
          {containers.map((one, at) => (
            <ContainerFacts
              // biome-ignore lint/suspicious/noArrayIndexKey: the place in the chain is what a container is
              key={at}
              container={one}
              heading={containers.length > 1 ? `${at + 1}.` : ""}
            />
          ))}
        </SpaceBetween>
      </Container>
      <LineagePanel arn={ModelArn} />
      <TagsPanel arn={ModelArn} tags={tags.data} />
      {asked === "delete" && <DeleteModel name={name} serving={served} onNo={() => setAsked("")} />}
      {asked === "deploy" && <Deploy model={name} onDismiss={() => setAsked("")} />}
    </SpaceBetween>
  )
}
