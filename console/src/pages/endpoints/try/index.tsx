/** Try it: ask the endpoint from here, with a form where the model says what it takes, else with a raw body. */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { inWords } from "@/aws/live"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import type { Context } from "../context"
import { namesOf, useModels } from "../read"
import { latency } from "../timeline/lanes"
import { variantsOf } from "../variants"
import { Answer } from "./answer"
import { useDocument } from "./document"
import { Form } from "./form"
import { ASK, type Ask, type Answer as Given, invoke } from "./invoke"
import { Later } from "./later"
import { brief } from "./pretty"
import { Raw } from "./raw"
import { snippets } from "./snippets"
import { again, type Try as Tried, useTries } from "./tries"

export function Try(context: Context) {
  return context.endpoint.AsyncInferenceConfig ? <Later {...context} /> : <Now {...context} />
}

function Now({ endpoint, config }: Context) {
  const name = endpoint.EndpointName ?? ""
  const models = [...new Set(variantsOf(endpoint, config).flatMap((one) => one.model ?? []))]
  const page = useDocument(name, models)
  const known = useModels(models)
  const multiModel = (known.data ?? []).some(({ model }) =>
    [model?.PrimaryContainer, ...(model?.Containers ?? [])].some((one) => one?.Mode === "MultiModel"),
  )
  const [how, setHow] = useState<"form" | "raw" | undefined>()
  const [ask, setAsk] = useState<Ask>(ASK)
  const [sent, setSent] = useState<Ask>()
  const [answer, setAnswer] = useState<Given>()
  const [partial, setPartial] = useState("")
  const [busy, setBusy] = useState(false)
  const { tries, add, clear } = useTries(name)
  const shown = how ?? (page.data ? "form" : "raw")
  const send = async (asked: Ask) => {
    setBusy(true)
    setPartial("")
    const given = await invoke(name, asked, setPartial)
    setSent(asked)
    setAnswer(given)
    setBusy(false)
    add(asked, given)
  }
  const bring = (one: Tried) => {
    setAsk(again(one))
    setSent(again(one))
    setAnswer(one.answer)
    setHow("raw")
  }
  const said = shown === "raw" ? ask : (sent ?? { ...ASK, accept: page.data?.accept ?? "" })
  return (
    <SpaceBetween size="l">
      {endpoint.EndpointStatus === "Failed" && (
        <Alert type="warning">
          The endpoint has failed, so requests are refused until it is deleted and made anew.
        </Alert>
      )}
      {page.error && <Alert type="warning">No form: {inWords(page.error)}</Alert>}
      <ColumnLayout columns={2} minColumnWidth={340}>
        <Container
          header={
            <Header
              variant="h2"
              actions={
                page.data && (
                  <SegmentedControl
                    label="How to ask"
                    selectedId={shown}
                    options={[
                      { id: "form", text: "Form" },
                      { id: "raw", text: "Raw body" },
                    ]}
                    onChange={({ detail }) => setHow(detail.selectedId === "form" ? "form" : "raw")}
                  />
                )
              }
            >
              Request
            </Header>
          }
        >
          {shown === "form" && page.data ? (
            <Form key={page.data.title} document={page.data} busy={busy} onAsk={(asked) => void send(asked)} />
          ) : (
            <Raw
              ask={ask}
              variants={namesOf({ ProductionVariants: endpoint.ProductionVariants } as typeof endpoint)}
              multiModel={multiModel}
              busy={busy}
              onChange={setAsk}
              onSend={() => void send(ask)}
            />
          )}
        </Container>
        <Answer answer={answer} output={page.data?.output} partial={partial} busy={busy} />
      </ColumnLayout>
      <ResourceTable<Tried>
        title="Tries"
        description="Of this tab, the last 50. They are gone when the tab is closed."
        rows={tries}
        id={(one) => String(one.at)}
        noFilter={tries.length < 5}
        param="tries"
        pageSize={10}
        actions={
          <Button onClick={clear} disabled={!tries.length}>
            Clear
          </Button>
        }
        columns={[
          { id: "at", header: "When", cell: (one) => <Ago when={new Date(one.at)} /> },
          {
            id: "status",
            header: "Status",
            cell: (one) => (
              <StatusIndicator type={one.answer.ok ? "success" : "error"}>{one.answer.status ?? "–"}</StatusIndicator>
            ),
          },
          {
            id: "body",
            header: "Body",
            cell: (one) => <span className="clary-mono">{brief(one.file ?? one.ask.body, 36)}</span>,
            text: (one) => one.file ?? one.ask.body,
          },
          {
            id: "answer",
            header: "Answer",
            cell: (one) => (
              <span className="clary-mono">{brief(one.answer.text || one.answer.problem?.words || "", 36)}</span>
            ),
            text: (one) => one.answer.text,
          },
          { id: "variant", header: "Variant", cell: (one) => one.answer.variant || "–" },
          { id: "ms", header: "Time", cell: (one) => <span className="clary-numbers">{latency(one.answer.ms)}</span> },
          {
            id: "use",
            header: "",
            cell: (one) => (
              <Button variant="inline-link" disabled={one.file !== undefined} onClick={() => bring(one)}>
                Bring back
              </Button>
            ),
          },
        ]}
        empty={<Empty title="Nothing was tried yet" />}
      />
      <Container header={<Header variant="h2">The same from a program</Header>}>
        <Tabs
          ariaLabel="The same from a program"
          tabs={snippets(name, said).map((one) => ({
            id: one.id,
            label: one.title,
            content: (
              <SpaceBetween size="xs">
                <Code text={one.text} label={one.title} />
                <small>{one.note}</small>
              </SpaceBetween>
            ),
          }))}
        />
      </Container>
    </SpaceBetween>
  )
}
