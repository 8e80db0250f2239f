/** One pipeline: what has run, what it is made of, what starts it. */
import { DeletePipelineCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { useNavigate, useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing, useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy, Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { count, nameOf } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { DeclaredParameters } from "./declared"
import { Executions } from "./executions"
import { Graph } from "./graph"
import { usePipeline, whoIs } from "./reads"
import { StartPipeline } from "./start"
import { StepWritten } from "./step-written"
import { Triggers } from "./triggers"
import { Versions } from "./versions"
import "./pipelines.css"

const TABS = ["executions", "graph", "parameters", "definition", "triggers", "versions"]

export function PipelinePage({ name: given }: { name?: string }) {
  const { name = given ?? "" } = useParams()
  usePage([
    { text: "Pipelines", href: "/pipelines" },
    { text: name, href: `/pipelines/${name}` },
  ])
  const navigate = useNavigate()
  const [params, setParams] = useSearchParams()
  const [asking, ask] = useState<"start" | "delete">()
  const { data: pipeline, error, refetch } = usePipeline(name)
  const remove = useAct(async () => {
    await aws(SageMakerClient).send(new DeletePipelineCommand({ PipelineName: name }))
    // Before everything on the page is read again: this pipeline is gone.
    navigate("/pipelines")
  }, `${name} is deleted`)
  if (error && isMissing(error)) return <Nowhere what={`The pipeline ${name}`} />
  if (error && !pipeline) return <Problem error={error} again={() => void refetch()} />
  if (!pipeline) return <Waiting what={`Reading ${name}`} />
  const { definition, PipelineDefinition: text = "{}" } = pipeline
  const tab = TABS.find((one) => one === params.get("tab")) ?? "executions"
  const put = (key: string, value: string) =>
    setParams(
      (now) => {
        if (value) now.set(key, value)
        else now.delete(key)
        return now
      },
      { replace: true },
    )
  const step = definition.steps.find((one) => one.name === params.get("step"))
  const most = pipeline.ParallelismConfiguration?.MaxParallelExecutionSteps
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={pipeline.PipelineDescription}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => ask("delete")}>Delete</Button>
            <Button variant="primary" onClick={() => ask("start")}>
              Start
            </Button>
          </SpaceBetween>
        }
      >
        {pipeline.PipelineDisplayName && pipeline.PipelineDisplayName !== name ? pipeline.PipelineDisplayName : name}
      </Header>
      <Container>
        <Facts
          facts={[
            ["Status", <Status key="status" status={pipeline.PipelineStatus} />],
            ["Last run", pipeline.LastRunTime && <Ago when={pipeline.LastRunTime} />],
            ["Created", <Ago key="created" when={pipeline.CreationTime} />],
            ["Created by", whoIs(pipeline.CreatedBy)],
            [
              "Role",
              <To key="role" to={`/operate/users/roles/${nameOf(pipeline.RoleArn)}`}>
                {nameOf(pipeline.RoleArn)}
              </To>,
            ],
            ["Steps at once", most === undefined ? "As many as can run" : `At most ${count(most)}`],
            ["Changed", <Ago key="changed" when={pipeline.LastModifiedTime} />],
            ["ARN", <Copy key="arn" text={pipeline.PipelineArn ?? ""} shown={nameOf(pipeline.PipelineArn)} />],
          ]}
        />
      </Container>
      <Tabs
        i18nStrings={{ scrollLeftAriaLabel: "Earlier tabs", scrollRightAriaLabel: "More tabs" }}
        activeTabId={tab}
        onChange={({ detail }) => put("tab", detail.activeTabId === "executions" ? "" : detail.activeTabId)}
        tabs={[
          {
            id: "executions",
            label: "Executions",
            content: <Executions pipeline={name} definition={definition} onStart={() => ask("start")} />,
          },
          {
            id: "graph",
            label: `Steps (${count(definition.steps.length)})`,
            content: (
              <SpaceBetween size="l">
                <Graph
                  definition={definition}
                  text={text}
                  chosen={step?.name}
                  onChoose={(chosen) => put("step", chosen === step?.name ? "" : chosen)}
                />
                {step ? (
                  <StepWritten step={step} definition={definition} />
                ) : (
                  <Box color="text-body-secondary">Choose a step to see what it asks for.</Box>
                )}
              </SpaceBetween>
            ),
          },
          {
            id: "parameters",
            label: `Parameters (${count(definition.parameters.length)})`,
            content: <DeclaredParameters parameters={definition.parameters} />,
          },
          {
            id: "definition",
            label: "Definition",
            content: <Json label="Definition" value={JSON.parse(text)} />,
          },
          { id: "triggers", label: "Triggers", content: <Triggers pipeline={name} arn={pipeline.PipelineArn ?? ""} /> },
          { id: "versions", label: "Versions", content: <Versions pipeline={name} /> },
        ]}
      />
      {asking === "start" && <StartPipeline pipeline={name} onDismiss={() => ask(undefined)} />}
      {asking === "delete" && (
        <Confirm
          title={`Delete ${name}?`}
          verb="Delete"
          typed={name}
          busy={remove.isPending}
          error={remove.error}
          onNo={() => ask(undefined)}
          onYes={() => remove.mutate(undefined)}
        >
          All its versions and executions go with it. What the executions have made stays: jobs, models, objects.
        </Confirm>
      )}
    </SpaceBetween>
  )
}
