/**
 * A directed graph: React Flow draws, ELK says where. Each node shows whatever it is given; with `onChoose` it is a button
 * (Tab and Enter reach it), else plain content. The layout is made anew only when nodes, sizes or edges change, so
 * contents may be live.
 */
import {
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from "@xyflow/react"
import "@xyflow/react/dist/style.css"
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react"
import { inWords } from "@/aws/live"
import { Waiting } from "../waiting"
import "./graph.css"
import { type Arrow, type Box, type Direction, drawable, extent, layout, type Places } from "./layout"
import { StillFlow } from "./still"

export type GraphNode = Box & {
  /** What it is in a few words: screen readers hear of the arrows by it. The node itself is called by its content. */
  label?: string
  content: ReactNode
  /** A stripe at its edge: how it stands. */
  tone?: "success" | "error" | "running" | "pending" | "stopped" | "plain"
}
export type GraphEdge = Arrow & { label?: string; dashed?: boolean; animated?: boolean }

type Props = {
  nodes: readonly GraphNode[]
  edges: readonly GraphEdge[]
  /** What the whole is, for screen readers. */
  label: string
  direction?: Direction
  /** Pixels; without it as high as the graph, but no higher than `most`. */
  height?: number
  most?: number
  onChoose?: (id: string) => void
  /** The node that is marked. */
  chosen?: string | undefined
}

type Shared = { onChoose: ((id: string) => void) | undefined; chosen: string | undefined; direction: Direction }
const SharedContext = createContext<Shared>({ onChoose: undefined, chosen: undefined, direction: "RIGHT" })
const TYPES = { clary: Card }
const SMALLEST = 0.15

export function Graph(props: Props) {
  const { nodes, edges, direction = "RIGHT", onChoose, chosen, most = 640 } = props
  const [places, setPlaces] = useState<Places | null>(null)
  const [error, setError] = useState("")
  // The shape alone decides the layout: what a node shows may change each second.
  const shape = JSON.stringify([
    nodes.map((one) => [one.id, one.width, one.height]),
    edges.map((one) => [one.id, one.source, one.target]),
    direction,
  ])
  useEffect(() => {
    let gone = false
    const [boxes, arrows, way] = JSON.parse(shape) as [
      [string, number, number][],
      [string, string, string][],
      Direction,
    ]
    layout(
      boxes.map(([id, width, height]) => ({ id, width, height })),
      arrows.map(([id, source, target]) => ({ id, source, target })),
      way,
    ).then(
      (found) => !gone && setPlaces(found),
      (problem) => !gone && setError(inWords(problem)),
    )
    return () => {
      gone = true
    }
  }, [shape])
  const shared = useMemo(() => ({ onChoose, chosen, direction }), [onChoose, chosen, direction])
  if (error) return <p role="alert">The graph could not be drawn: {error}</p>
  if (places === null) return <Waiting what="Drawing" />
  const wanted = props.height ?? Math.min(most, Math.max(180, extent(nodes, places).height + 64))
  return (
    <section className="clary-graph" style={{ height: wanted }} aria-label={props.label}>
      <SharedContext.Provider value={shared}>
        <ReactFlowProvider>
          <Drawn {...props} places={places} shape={shape} />
        </ReactFlowProvider>
      </SharedContext.Provider>
    </section>
  )
}

function Drawn({ nodes, edges, places, shape }: Props & { places: Places; shape: string }) {
  const { fitView } = useReactFlow()
  const width = useStore((state) => state.width)
  const drawn = nodes
    .filter((one) => places[one.id] !== undefined)
    .map(
      (one): Node<Content> => ({
        id: one.id,
        type: "clary",
        position: places[one.id] ?? { x: 0, y: 0 },
        width: one.width,
        height: one.height,
        // React Flow lets clicks through nodes that can neither be dragged nor selected; ours are buttons.
        style: { pointerEvents: "all" },
        data: { content: one.content, tone: one.tone ?? "plain" },
      }),
    )
  const called = new Map(nodes.map((one) => [one.id, one.label ?? one.id]))
  const arrows = (drawable(nodes, edges) as GraphEdge[]).map(
    (one): Edge => ({
      id: one.id,
      source: one.source,
      target: one.target,
      type: "smoothstep",
      animated: one.animated ?? false,
      ariaLabel: `From ${called.get(one.source)} to ${called.get(one.target)}`,
      ...(one.label ? { label: one.label } : {}),
      ...(one.dashed ? { style: { strokeDasharray: "4 4" } } : {}),
      markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 },
    }),
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: another shape, or another width, is another picture, which is shown whole
  useEffect(() => {
    void fitView(FIT)
  }, [shape, places, width, fitView])
  return (
    <StillFlow
      nodes={drawn}
      edges={arrows}
      nodeTypes={TYPES}
      fitViewOptions={FIT}
      minZoom={SMALLEST}
      proOptions={{ hideAttribution: true }}
    >
      <Controls showInteractive={false} fitViewOptions={FIT} aria-label="Zoom" />
    </StillFlow>
  )
}

const FIT = { padding: 0.08, maxZoom: 1, minZoom: SMALLEST }

type Content = { content: ReactNode; tone: NonNullable<GraphNode["tone"]> }

function Card({ id, data }: NodeProps<Node<Content>>) {
  const { onChoose, chosen, direction } = useContext(SharedContext)
  const { getNode, setCenter, getZoom } = useReactFlow()
  const name = `clary-node clary-node-${data.tone}${id === chosen ? " clary-node-chosen" : ""}`
  // Who walks with Tab sees where they are, also when that is outside of the picture.
  const show = () => {
    const node = getNode(id)
    if (node)
      void setCenter(node.position.x + (node.width ?? 0) / 2, node.position.y + (node.height ?? 0) / 2, {
        zoom: getZoom(),
      })
  }
  return (
    <>
      <Handle type="target" position={direction === "DOWN" ? Position.Top : Position.Left} isConnectable={false} />
      {onChoose ? (
        <button
          type="button"
          className={`nopan ${name}`}
          aria-pressed={chosen === undefined ? undefined : id === chosen}
          onClick={() => onChoose(id)}
          onFocus={(event) => event.currentTarget.matches(":focus-visible") && show()}
        >
          {data.content}
        </button>
      ) : (
        <div className={name}>{data.content}</div>
      )}
      <Handle type="source" position={direction === "DOWN" ? Position.Bottom : Position.Right} isConnectable={false} />
    </>
  )
}
