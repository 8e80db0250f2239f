/** The steps in time: when each began, how long it took, what ran beside what. A table, for any screen and reader. */
import Button from "@cloudscape-design/components/button"
import Table from "@cloudscape-design/components/table"
import { useEffect, useState } from "react"
import { duration } from "@/parts/format"
import { kindOf, Status } from "@/parts/status"
import { Took } from "@/parts/time"
import { typeSaid } from "./dag/icon"
import type { Definition, Step } from "./definition"
import { useNarrow } from "./narrow"
import { type States, type StepState, workOf } from "./state"

type Props = {
  definition: Definition
  states: States
  started: Date | undefined
  over: boolean
  chosen: string | undefined
  onChoose: (step: string) => void
}
type Row = { step: Step; state: StepState }
const COLUMNS = ["step", "status", "type", "began", "took", "bar"]
/** What a phone has room for. */
const SHORT = ["step", "status", "took"]

export type Bar = { left: number; width: number }

/** Where the step's bar stands between the first and the last instant, in percent; none where it did not work here. */
export function barOf(state: StepState, first: number, last: number): Bar | undefined {
  if (!state.from || state.reused || last <= first) return undefined
  const [from, to] = [state.from.getTime(), state.to?.getTime() ?? last]
  const left = ((from - first) / (last - first)) * 100
  return { left, width: Math.max(((to - from) / (last - first)) * 100, 0) }
}

/** By when they began; those that have not, behind, in the order of the definition. */
export function inTime(definition: Definition, states: States): Row[] {
  const rows = definition.steps.flatMap((step) => {
    const state = states.get(step.name)
    return state ? [{ step, state }] : []
  })
  const at = ({ state }: Row) => state.from?.getTime() ?? Number.POSITIVE_INFINITY
  return rows.sort((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)))
}

export function Timeline({ definition, states, started, over, chosen, onChoose }: Props) {
  const now = useNow(!over)
  const narrow = useNarrow()
  const rows = inTime(definition, states)
  const own = rows.filter(({ state }) => state.from && !state.reused)
  const first = Math.min(started?.getTime() ?? now, ...own.map(({ state }) => state.from?.getTime() ?? now))
  const last = over ? Math.max(first, ...own.map(({ state }) => state.to?.getTime() ?? first)) : now
  return (
    <Table<Row>
      variant="embedded"
      columnDisplay={COLUMNS.map((id) => ({ id, visible: !narrow || SHORT.includes(id) }))}
      items={rows}
      trackBy={({ step }) => step.name}
      ariaLabels={{ tableLabel: "Steps in time" }}
      columnDefinitions={[
        {
          id: "step",
          header: "Step",
          isRowHeader: true,
          cell: ({ step }) => (
            <Button variant="inline-link" onClick={() => onChoose(step.name)} ariaLabel={`Look at ${step.title}`}>
              <span className="clary-step-name">{chosen === step.name ? `▸ ${step.title}` : step.title}</span>
            </Button>
          ),
        },
        { id: "status", header: "Status", cell: ({ state }) => <StatusOf state={state} /> },
        { id: "type", header: "Type", cell: ({ step }) => <span className="clary-nowrap">{typeSaid(step.type)}</span> },
        {
          id: "began",
          header: "Began after",
          cell: ({ state }) =>
            state.from && !state.reused ? (
              <span className="clary-numbers clary-nowrap">{duration(state.from.getTime() - first)}</span>
            ) : (
              "–"
            ),
        },
        {
          id: "took",
          header: "Duration",
          cell: ({ state }) => <StepTook state={state} />,
        },
        {
          id: "bar",
          header: `0 to ${duration(last - first)}`,
          minWidth: 220,
          width: "40%",
          cell: ({ state }) => {
            const bar = barOf(state, first, last)
            return (
              <div className="clary-lane" aria-hidden="true">
                {bar && (
                  <span
                    className="clary-bar"
                    data-kind={kindOf(state.status)}
                    style={{ insetInlineStart: `${bar.left}%`, inlineSize: `max(3px, ${bar.width}%)` }}
                  />
                )}
              </div>
            )
          },
        },
      ]}
    />
  )
}

function StepTook({ state }: { state: StepState }) {
  const work = workOf(state)
  return work ? <Took {...work} /> : "–"
}

export function StatusOf({ state }: { state: StepState }) {
  return (
    <span className="clary-nowrap">
      <Status status={state.status} />
      {state.outcome && ` · ${state.outcome.toLowerCase()}`}
      {state.cached && " · cached"}
      {state.reused && " · taken over"}
    </span>
  )
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [running])
  return now
}
