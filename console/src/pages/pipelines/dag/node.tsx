/** One step in the graph: a button, so that keyboards and screen readers reach it as pointers do. */
import { Handle, type Node, type NodeProps, Position, useReactFlow } from "@xyflow/react"
import { memo } from "react"
import { kindOf, Status } from "@/parts/status"
import { Took } from "@/parts/time"
import type { Step } from "../definition"
import { type StepState, workOf } from "../state"
import { TypeIcon, typeSaid } from "./icon"
import { NODE } from "./layout"

export type StepData = {
  step: Step
  /** Nothing: the definition alone is drawn. */
  state: StepState | undefined
  chosen: boolean
  down: boolean
  onChoose: ((name: string) => void) | undefined
}
export type StepNode = Node<StepData, "step">

const PASSED = ["NotChosen", "NotReached", "NotSelected"]

export const StepBox = memo(function StepBox({
  data: { step, state, chosen, down, onChoose },
  positionAbsoluteX: x,
  positionAbsoluteY: y,
}: NodeProps<StepNode>) {
  const flow = useReactFlow()
  const work = state && workOf(state)
  // Whoever comes by keyboard sees where the focus is, also when that part of the graph was out of sight.
  const reveal = (element: HTMLElement) => {
    if (element.matches(":focus-visible")) {
      void flow.setCenter(x + NODE.width / 2, y + NODE.height / 2, { zoom: Math.max(flow.getZoom(), 0.6) })
    }
  }
  return (
    <>
      <Handle type="target" position={down ? Position.Top : Position.Left} isConnectable={false} />
      <button
        type="button"
        className="clary-dag-step nopan"
        data-kind={state && kindOf(state.status)}
        data-passed={state && PASSED.includes(state.status) ? "" : undefined}
        aria-pressed={chosen}
        title={step.description || step.title}
        onClick={() => onChoose?.(step.name)}
        onFocus={(event) => reveal(event.currentTarget)}
      >
        <span className="clary-dag-line">
          <TypeIcon type={step.type} />
          <span className="clary-dag-name">{step.title}</span>
        </span>
        <span className="clary-dag-line clary-dag-said">
          <span>{typeSaid(step.type)}</span>
          {state?.cached && <span className="clary-dag-mark">cached</span>}
          {state?.reused && <span className="clary-dag-mark">taken over</span>}
          {state && state.attempts > 1 && <span className="clary-dag-mark">attempt {state.attempts}</span>}
        </span>
        {state && (
          <span className="clary-dag-line clary-dag-said">
            <Status status={state.status} />
            {work && !state.cached && <Took {...work} />}
            {state.outcome && <span className="clary-dag-mark">{state.outcome.toLowerCase()}</span>}
          </span>
        )}
      </button>
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </>
  )
})
