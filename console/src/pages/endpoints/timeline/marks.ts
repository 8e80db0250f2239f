/** What happened to an endpoint, on the axis of its metrics: changes, scaling, alarms. Pure functions. */
import type { ScalingActivity } from "@aws-sdk/client-application-auto-scaling"
import type { AlarmHistoryItem } from "@aws-sdk/client-cloudwatch"
import type { Change } from "../changes"

export type Kind = "change" | "scaling" | "alarm"
export type Mark = {
  at: number
  id: string
  kind: Kind
  title: string
  detail: string
  href?: string
  tone: "plain" | "good" | "bad"
}

export const KIND_WORDS: Record<Kind, string> = { change: "Change", scaling: "Scaling", alarm: "Alarm" }

const CHANGED: Record<Change["operation"], string> = {
  CreateEndpoint: "Created with configuration",
  UpdateEndpoint: "Updated to configuration",
  UpdateEndpointWeightsAndCapacities: "Weights or instances changed",
}

export function ofChange(change: Change): Mark {
  return {
    at: change.at,
    id: change.id,
    kind: "change",
    title: [CHANGED[change.operation], change.config].filter(Boolean).join(" "),
    detail: [change.asked, change.who && `by ${change.who}`].filter(Boolean).join(" · "),
    tone: "plain",
  }
}

const variantOf = (resource: string | undefined): string => resource?.split("/variant/")[1] ?? ""

export function ofActivity(activity: ScalingActivity): Mark {
  const failed = activity.StatusCode === "Failed" || activity.StatusCode === "Unfulfilled"
  return {
    at: (activity.StartTime ?? new Date(0)).getTime(),
    id: activity.ActivityId ?? "",
    kind: "scaling",
    title: `${variantOf(activity.ResourceId)}: ${(activity.Description ?? "scaled").replace(/\.$/, "")}`,
    detail: [activity.StatusCode, activity.Cause, failed ? activity.StatusMessage : ""].filter(Boolean).join(" · "),
    tone: failed ? "bad" : "plain",
  }
}

type Data = { newState?: { stateValue?: string; stateReason?: string } }

export function ofHistory(item: AlarmHistoryItem): Mark {
  const state = read(item.HistoryData)
  const value = state?.stateValue ?? /to (\w+)$/.exec(item.HistorySummary ?? "")?.[1] ?? ""
  return {
    at: (item.Timestamp ?? new Date(0)).getTime(),
    id: `${item.AlarmName} ${item.Timestamp?.getTime()} ${value}`,
    kind: "alarm",
    title: `${item.AlarmName}: ${STATES[value] ?? value}`,
    detail: state?.stateReason ?? item.HistorySummary ?? "",
    href: `/operate/alarms/${encodeURIComponent(item.AlarmName ?? "")}`,
    tone: value === "ALARM" ? "bad" : value === "OK" ? "good" : "plain",
  }
}

const STATES: Record<string, string> = { ALARM: "in alarm", OK: "OK", INSUFFICIENT_DATA: "insufficient data" }

function read(data: string | undefined): Data["newState"] {
  try {
    return (JSON.parse(data ?? "{}") as Data).newState
  } catch {
    return undefined // a history item without data that can be read still has its summary
  }
}

/** Those within the span, the newest first. */
export const within = (marks: readonly Mark[], from: number, to: number): Mark[] =>
  marks.filter((one) => one.at >= from && one.at <= to).sort((a, b) => b.at - a.at)
