/** The step that is looked at: what became of it, what went in and came out, its metrics, its logs. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useSearchParams } from "react-router"
import { Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { LogView } from "@/parts/log-view"
import { Took } from "@/parts/time"
import { To } from "@/shell/link"
import { CallbackPanel } from "./callback"
import { ConditionPanel } from "./condition"
import { typeSaid } from "./dag/icon"
import type { Definition, Step } from "./definition"
import { LastLines } from "./last-lines"
import { madeBy, SAID } from "./made"
import type { Typed } from "./parameters"
import { executionAt, pipelineOf } from "./reads"
import { isLive, type States, workOf } from "./state"
import { InAndOut } from "./step-io"
import { StepMetrics } from "./step-metrics"
import { waitsFor } from "./step-written"
import { StatusOf } from "./timeline"

type Props = { step: Step; definition: Definition; states: States; parameters: Typed; execution: string }

const WHY: Record<string, string> = {
  Waiting: "It begins when what it waits for has succeeded.",
  NotChosen: "The condition went the other way: this step does not run.",
  NotReached: "The execution ended before this step could begin.",
  NotSelected: "This execution runs only some of the steps, and this is none of them.",
}

export function StepPanel({ step, definition, states, parameters, execution }: Props) {
  const [params, setParams] = useSearchParams()
  const state = states.get(step.name)
  if (!state) return null
  const work = workOf(state)
  const made = madeBy(state.listed?.Metadata)
  const from = state.cached ?? state.reused
  const tabs = [
    {
      id: "results",
      label: "Results",
      content: (
        <SpaceBetween size="l">
          {step.type === "Condition" && (
            <ConditionPanel step={step} definition={definition} states={states} parameters={parameters} />
          )}
          {state.listed?.Metadata?.Callback && <CallbackPanel state={state} />}
          <StepMetrics step={step} state={state} />
          {made && <InAndOut made={made} live={isLive(state)} />}
          {!made && !["Condition", "Callback"].includes(step.type) && state.listed && (
            <Box color="text-body-secondary">This step has made nothing that could be shown.</Box>
          )}
        </SpaceBetween>
      ),
    },
    ...(made?.logs
      ? [
          {
            id: "logs",
            label: "Logs",
            content: <LogView group={made.logs.group} prefix={made.logs.prefix} live={isLive(state)} />,
          },
        ]
      : []),
    { id: "definition", label: "As written", content: <Json label="Step" value={step.document} /> },
  ]
  const tab = tabs.find((one) => one.id === params.get("tab"))?.id ?? "results"
  return (
    <Container
      header={
        <Header variant="h2" description={step.description}>
          {step.title}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {state.reason && (
          <Alert type="error" header="Why it failed">
            <SpaceBetween size="s">
              <span className="clary-lines">{state.reason}</span>
              {made?.logs && <LastLines logs={made.logs} reason={state.reason} />}
            </SpaceBetween>
          </Alert>
        )}
        {WHY[state.status] && <Alert type="info">{WHY[state.status]}</Alert>}
        <Facts
          columns={4}
          facts={[
            ["Status", <StatusOf key="status" state={state} />],
            ["Duration", state.cached ? "None: taken from the cache" : work && <Took key="took" {...work} />],
            ["Type", typeSaid(step.type)],
            ["Waits for", waitsFor(step, definition) || "Nothing: it begins at once"],
            ...(made
              ? ([
                  [
                    SAID[made.kind],
                    made.to ? (
                      <To key="made" to={made.to}>
                        {made.name}
                      </To>
                    ) : (
                      made.name
                    ),
                  ],
                ] as [string, React.ReactNode][])
              : []),
            ...(state.attempts > 1 ? ([["Attempts", String(state.attempts)]] as [string, React.ReactNode][]) : []),
            ...(from && from !== execution
              ? ([
                  [
                    state.cached ? "Result of" : "Taken over from",
                    <To key="from" to={executionAt(pipelineOf(from), from)}>
                      {from.split("/").at(-1)}
                    </To>,
                  ],
                ] as [string, React.ReactNode][])
              : []),
          ]}
        />
        <Tabs
          i18nStrings={{ scrollLeftAriaLabel: "Earlier tabs", scrollRightAriaLabel: "More tabs" }}
          activeTabId={tab}
          onChange={({ detail }) =>
            setParams(
              (now) => {
                now.set("tab", detail.activeTabId)
                // Which step it is stays in the link, also where it was chosen because it failed.
                now.set("step", step.name)
                return now
              },
              { replace: true },
            )
          }
          tabs={tabs}
        />
      </SpaceBetween>
    </Container>
  )
}
