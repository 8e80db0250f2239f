/** The graph of a definition, and what has become of its steps. Laid out once; afterwards only what stands in it moves. */
import Button from "@cloudscape-design/components/button"
import {
  Controls,
  type EdgeTypes,
  MarkerType,
  type NodeTypes,
  Panel,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react"
import "@xyflow/react/dist/base.css"
import "./dag.css"
import { useQuery } from "@tanstack/react-query"
import { useEffect, useMemo, useRef, useState } from "react"
import { StillFlow } from "@/parts/graph/still"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import type { Definition } from "../definition"
import { edgeState, type States } from "../state"
import { Way, type WayEdge } from "./edge"
import { better, type Direction, type Layout, layout, NODE, scaleIn } from "./layout"
import { StepBox, type StepNode } from "./node"

type Props = {
  definition: Definition
  /** What tells definitions apart: two of the same text have the same layout. */
  text: string
  states?: States
  chosen?: string
  onChoose?: (name: string) => void
}

const NODES: NodeTypes = { step: StepBox }
const EDGES: EdgeTypes = { way: Way }
const NO_STATES: States = new Map()
const [LOWEST, HIGHEST] = [200, 680]
const PADDING = 24
/** Smaller than this nobody can read it: the rest of the graph is then a pan away. */
const SMALLEST = 0.45
const FIT = { padding: 0.04, minZoom: SMALLEST, maxZoom: 1 }

export default function Dag(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [asked, ask] = useState<Direction>()
  const { data, error, refetch } = useQuery({
    queryKey: ["pipelines", "layout", props.text],
    queryFn: async () => {
      const [right, down] = await Promise.all([layout(props.definition, "RIGHT"), layout(props.definition, "DOWN")])
      return { right, down }
    },
    staleTime: Number.POSITIVE_INFINITY,
    meta: { local: true },
  })
  useEffect(() => {
    const element = box.current
    if (!element) return
    const look = new ResizeObserver(([one]) => setWidth(Math.round(one?.contentRect.width ?? 0)))
    look.observe(element)
    return () => look.disconnect()
  }, [])
  const inside = width - 2 * PADDING
  const shown =
    data &&
    (asked === "RIGHT" ? data.right : asked === "DOWN" ? data.down : better(data.right, data.down, inside, HIGHEST))
  const scale = shown ? Math.max(SMALLEST, scaleIn(shown, inside, HIGHEST)) : 1
  const height = shown ? Math.min(HIGHEST, Math.max(LOWEST, shown.height * scale + 2 * PADDING)) : LOWEST
  return (
    <div ref={box} className="clary-dag" style={{ height }}>
      {error && <Problem error={error} again={() => void refetch()} header="The graph could not be laid out" />}
      {!shown && !error && <Waiting what="Laying out the steps" />}
      {shown && width > 0 && (
        <ReactFlowProvider>
          <Drawn
            {...props}
            layout={shown}
            width={width}
            height={height}
            turn={() => ask(shown.direction === "RIGHT" ? "DOWN" : "RIGHT")}
          />
        </ReactFlowProvider>
      )}
    </div>
  )
}

type DrawnProps = Props & { layout: Layout; width: number; height: number; turn: () => void }

function Drawn({ definition, states = NO_STATES, chosen, onChoose, layout: at, width, height, turn }: DrawnProps) {
  const flow = useReactFlow()
  const nodes = useMemo(
    () =>
      definition.steps.map(
        (step): StepNode => ({
          id: step.name,
          type: "step",
          position: at.nodes.get(step.name) ?? { x: 0, y: 0 },
          ...NODE,
          style: { pointerEvents: "all" },
          data: {
            step,
            state: states.get(step.name),
            chosen: chosen === step.name,
            down: at.direction === "DOWN",
            onChoose,
          },
        }),
      ),
    [definition, at, states, chosen, onChoose],
  )
  const edges = useMemo(
    () =>
      definition.edges.map((wait): WayEdge => {
        const state = edgeState(wait, states)
        const way = at.edges.get(wait.id)
        const near = chosen !== undefined && (wait.from === chosen || wait.to === chosen)
        return {
          id: wait.id,
          source: wait.from,
          target: wait.to,
          type: "way",
          ariaLabel: `From ${wait.from} to ${wait.to}`,
          focusable: false,
          zIndex: near ? 1 : 0,
          markerEnd: { type: MarkerType.ArrowClosed, color: "var(--clary-dag-ink)", width: 13, height: 13 },
          data: { wait, state, points: way?.points ?? [], label: way?.label, chosen: near },
        }
      }),
    [definition, at, states, chosen],
  )
  // The whole graph is in sight at first, and again when the page or the direction changes.
  useEffect(() => {
    if (width && height && at) void flow.fitView(FIT)
  }, [flow, width, height, at])
  return (
    <StillFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODES}
      edgeTypes={EDGES}
      fitViewOptions={FIT}
      minZoom={0.1}
      aria-label="The steps as a graph"
    >
      <Controls showInteractive={false} position="bottom-left" />
      <Panel position="top-right">
        <Button
          variant="icon"
          iconName={at.direction === "RIGHT" ? "angle-down" : "angle-right"}
          ariaLabel={at.direction === "RIGHT" ? "Draw from top to bottom" : "Draw from left to right"}
          onClick={turn}
        />
      </Panel>
    </StillFlow>
  )
}
