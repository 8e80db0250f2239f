/** Where a version or model comes from and where it went: as a picture, or as a list. */
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Toggle from "@cloudscape-design/components/toggle"
import { useMemo, useState } from "react"
import { useNavigate } from "react-router"
import { SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { Graph, type GraphNode } from "@/parts/graph/graph"
import { Problem } from "@/parts/problem"
import { kindOf } from "@/parts/status"
import { Waiting } from "@/parts/waiting"
import { calledOf, type Entity, type Lineage, PLAIN, placeOf, reduced, type Show, shown, titleOf } from "./graph"
import { LineageList } from "./list"
import { lineageOf } from "./read"
import "../models.css"

const TOGGLES: [keyof Show, string][] = [
  ["files", "Each file"],
  ["code", "Code"],
  ["images", "Images"],
  ["decisions", "Decisions"],
  ["groups", "Groups and runs"],
]
/** Lineage is written after the fact and changes seldom; a look costs a request for each entity. */
const EVERY_MS = 6 * SLOW_MS

export function LineagePanel({ arn }: { arn: string }) {
  const looked = useLive(["lineage", arn], () => lineageOf(arn), {
    every: (seen) => (seen === null ? SLOW_MS : EVERY_MS),
    keep: false,
  })
  const [view, setView] = useState(innerWidth < 700 ? "list" : "graph")
  const [show, setShow] = useState(PLAIN)
  const some = looked.data
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="From the raw data to the endpoint. Each thing leads to its page."
          actions={
            some && (
              <SegmentedControl
                label="How lineage is shown"
                selectedId={view}
                options={[
                  { id: "graph", text: "Graph" },
                  { id: "list", text: "List" },
                ]}
                onChange={({ detail }) => setView(detail.selectedId)}
              />
            )
          }
        >
          Lineage
        </Header>
      }
    >
      {looked.error && some === undefined ? (
        <Problem error={looked.error} again={() => void looked.refetch()} />
      ) : some === undefined ? (
        <Waiting what="Following the lineage" />
      ) : some === null ? (
        <Empty title="No lineage yet">
          It is written a moment after something was made, and appears here by itself.
        </Empty>
      ) : (
        <SpaceBetween size="s">
          <SpaceBetween direction="horizontal" size="m">
            {TOGGLES.map(([name, text]) => (
              <Toggle
                key={name}
                checked={show[name]}
                onChange={({ detail }) => setShow((now) => ({ ...now, [name]: detail.checked }))}
              >
                {text}
              </Toggle>
            ))}
          </SpaceBetween>
          {view === "graph" ? (
            <Drawn lineage={some} show={show} arn={arn} />
          ) : (
            <LineageList lineage={shown(some, show)} arn={arn} />
          )}
        </SpaceBetween>
      )}
    </Container>
  )
}

const [WIDTH, HEIGHT] = [300, 56]

function Drawn({ lineage, show, arn }: { lineage: Lineage; show: Show; arn: string }) {
  const navigate = useNavigate()
  const drawn = useMemo(() => reduced(shown(lineage, show)), [lineage, show])
  const nodes = drawn.entities.map((one): GraphNode => node(one, one.source === arn && one.kind === "Artifact"))
  const edges = drawn.edges.map((one) => ({
    id: `${one.source} ${one.target}`,
    source: one.source,
    target: one.target,
    dashed: one.how === "AssociatedWith",
  }))
  const choose = (id: string) => {
    const place = drawn.entities.filter((one) => one.arn === id).map(placeOf)[0]
    if (place) void navigate(place)
  }
  const start = drawn.entities.find((one) => one.source === arn && one.kind === "Artifact")?.arn
  return (
    <>
      <Graph
        nodes={nodes}
        edges={edges}
        direction="DOWN"
        most={1_000}
        label="Lineage, from above to below"
        onChoose={choose}
        chosen={start}
      />
      <Box color="text-body-secondary" variant="small">
        Dashed: belongs to. Arrows that only repeat a longer way are left out; the list has all of them.
      </Box>
    </>
  )
}

const TONES: Partial<Record<string, GraphNode["tone"]>> = {
  success: "success",
  error: "error",
  "in-progress": "running",
  pending: "pending",
  stopped: "stopped",
}

function node(entity: Entity, here: boolean): GraphNode {
  const [title, called] = [titleOf(entity), calledOf(entity)]
  const tone = entity.status ? TONES[kindOf(entity.status)] : undefined
  return {
    id: entity.arn,
    width: WIDTH,
    height: HEIGHT,
    label: `${title} ${called}`,
    ...(tone ? { tone } : {}),
    content: (
      <>
        <span className="clary-lineage-title">
          {title}
          {entity.files ? ` · ${count(entity.files)} ${entity.files === 1 ? "file" : "files"}` : ""}
          {here ? " · this one" : ""}
        </span>{" "}
        <span className="clary-lineage-name" title={entity.source || called}>
          {called}
        </span>
      </>
    ),
  }
}
