/** The state of anything AWS has a state for, in one colour scheme. */
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator"
import { words } from "./format"

const KINDS: Record<string, StatusIndicatorProps.Type> = {
  completed: "success",
  succeeded: "success",
  inservice: "success",
  active: "success",
  approved: "success",
  ok: "success",
  available: "success",
  enabled: "success",
  ready: "success",
  successful: "success",
  failed: "error",
  error: "error",
  rejected: "error",
  alarm: "error",
  faulted: "error",
  timeout: "error",
  outofservice: "error",
  updaterollbackfailed: "error",
  inprogress: "in-progress",
  executing: "in-progress",
  running: "in-progress",
  creating: "in-progress",
  updating: "in-progress",
  rollingback: "in-progress",
  systemupdating: "in-progress",
  deleting: "in-progress",
  stopping: "in-progress",
  starting: "in-progress",
  queued: "in-progress",
  waiting: "pending",
  pending: "pending",
  pendingmanualapproval: "pending",
  insufficientdata: "pending",
  stopped: "stopped",
  notchosen: "stopped",
  notreached: "stopped",
  notselected: "stopped",
  disabled: "stopped",
  cancelled: "stopped",
  inactive: "stopped",
  archived: "stopped",
}

export const moving = (status: string | undefined): boolean => status !== undefined && kindOf(status) === "in-progress"

/** How a state is drawn; unknown ones as plain information. */
export function kindOf(status: string | undefined): StatusIndicatorProps.Type {
  return KINDS[(status ?? "").replace(/[^a-z]/gi, "").toLowerCase()] ?? "info"
}

export function Status({ status, said }: { status: string | undefined; said?: string }) {
  if (!status) return <>–</>
  const shown = status !== "OK" && /^[A-Z_]+$/.test(status) ? status.replaceAll("_", " ").toLowerCase() : status
  return <StatusIndicator type={kindOf(status)}>{said ?? words(shown)}</StatusIndicator>
}
