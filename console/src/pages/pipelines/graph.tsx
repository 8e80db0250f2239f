/** The graph, loaded when it is first seen: React Flow and ELK are heavy. */
import { lazy, Suspense } from "react"
import { Waiting } from "@/parts/waiting"
import type { Definition } from "./definition"
import type { States } from "./state"

const Dag = lazy(() => import("./dag"))

export function Graph(props: {
  definition: Definition
  text: string
  states?: States
  chosen?: string
  onChoose?: (name: string) => void
}) {
  return (
    <Suspense fallback={<Waiting what="Loading the graph" />}>
      <Dag {...props} />
    </Suspense>
  )
}
