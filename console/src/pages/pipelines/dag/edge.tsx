/** The way from one step to the next, as ELK has routed it. */
import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react"
import { memo } from "react"
import type { Edge as Wait } from "../definition"
import type { edgeState } from "../state"
import { type Point, rounded } from "./layout"

export type WayData = {
  wait: Wait
  points: Point[]
  label: Point | undefined
  state: ReturnType<typeof edgeState>
  /** It begins or ends at the chosen step. */
  chosen: boolean
}
export type WayEdge = Edge<WayData, "way">

export const Way = memo(function Way({ id, data, markerEnd }: EdgeProps<WayEdge>) {
  if (!data) return null
  const { wait, points, label, state, chosen } = data
  const looks = [
    "clary-dag-way",
    `clary-dag-way-${state.replace(" ", "-")}`,
    wait.kind === "order" ? "clary-dag-way-order" : "",
    wait.implied ? "clary-dag-way-implied" : "",
    chosen ? "clary-dag-way-of-chosen" : "",
  ].join(" ")
  return (
    <>
      <BaseEdge id={id} path={rounded(points)} className={looks} markerEnd={markerEnd} />
      {wait.branch && label && (
        <EdgeLabelRenderer>
          <span
            className={`clary-dag-branch clary-dag-branch-${state.replace(" ", "-")}`}
            style={{ transform: `translate(-50%, -50%) translate(${label.x}px, ${label.y}px)` }}
          >
            {wait.branch === "if" ? "true" : "false"}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  )
})
