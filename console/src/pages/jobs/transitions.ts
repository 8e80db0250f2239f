/** The way of a job as stretches of time: what it did, from when to when. Only what was observed. */
import { between } from "@/parts/format"

export type Transition = { Status?: string; StartTime?: Date; EndTime?: Date; StatusMessage?: string }

export type Segment = {
  name: string
  from: Date
  /** undefined: it goes on. */
  to?: Date
  ms: number
  message?: string
  /** An end (Completed, Failed, Stopped) is an instant, no stretch. */
  end: boolean
}

const ENDS = new Set(["Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"])

/** SecondaryStatusTransitions, in their order; the last one without an end goes on until now. */
export function segments(transitions: readonly Transition[] | undefined, now: number): Segment[] {
  return (transitions ?? []).flatMap((one) => {
    if (!one.Status || !one.StartTime) return []
    const ms = Math.max(0, between(one.StartTime, one.EndTime, now) ?? 0)
    return [
      {
        name: one.Status,
        from: one.StartTime,
        ...(one.EndTime ? { to: one.EndTime } : {}),
        ms,
        ...(one.StatusMessage ? { message: one.StatusMessage } : {}),
        end: ENDS.has(one.Status) && ms === 0,
      },
    ]
  })
}

/** Of a job that tells only when it was made, started and ended. */
export function stretches(
  job: { created?: Date; started?: Date; ended?: Date; status?: string },
  now: number,
): Segment[] {
  const { created, started, ended, status } = job
  if (!created) return []
  const found: Transition[] = [
    { Status: "Waiting", StartTime: created, EndTime: started ?? ended, StatusMessage: "Accepted; it waits its turn" },
  ]
  if (started) found.push({ Status: "Running", StartTime: started, EndTime: ended })
  if (ended) found.push({ Status: status ?? "Ended", StartTime: ended, EndTime: ended })
  return segments(found, now).map((one) => (one.from === ended && one.ms === 0 ? { ...one, end: true } : one))
}

/** What part of the bar each stretch takes: its share, but so much that it can be seen. */
export function shares(all: readonly Segment[], least = 0.012): number[] {
  const total = all.reduce((sum, one) => sum + one.ms, 0)
  if (total === 0) return all.map(() => 1 / Math.max(1, all.length))
  const raw = all.map((one) => Math.max(least, one.ms / total))
  const sum = raw.reduce((a, b) => a + b, 0)
  return raw.map((one) => one / sum)
}
