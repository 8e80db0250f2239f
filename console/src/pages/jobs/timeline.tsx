/** The way of a job: a bar in the proportions of its times, and each stretch in words below it. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { useEffect, useState } from "react"
import { duration, words } from "@/parts/format"
import { Instant } from "@/parts/time"
import { type Segment, shares } from "./transitions"

/** One colour a kind of work, the same on every page. */
const TONES: Record<string, string> = {
  Starting: "wait",
  Pending: "wait",
  Waiting: "wait",
  Restarting: "trouble",
  Interrupted: "trouble",
  Downloading: "move",
  Uploading: "move",
  Training: "work",
  Running: "work",
  Stopping: "trouble",
  MaxRuntimeExceeded: "trouble",
  MaxWaitTimeExceeded: "trouble",
  Failed: "failed",
  Completed: "done",
  Stopped: "trouble",
}

/** Stretches of a job, made anew each second while it runs. */
export function useSegments(make: (now: number) => Segment[], live: boolean): Segment[] {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!live) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [live])
  return make(now)
}

export function Timeline({ all }: { all: Segment[] }) {
  const spans = all.filter((one) => !one.end)
  const wide = shares(spans)
  const total = spans.reduce((sum, one) => sum + one.ms, 0)
  return (
    <Container header={<Header description={`${duration(total)} in all`}>Time line</Header>}>
      <div className="clary-way" aria-hidden="true">
        {spans.map((one, at) => (
          <span
            key={`${one.name}${one.from.getTime()}`}
            className={`clary-way-part clary-tone-${TONES[one.name] ?? "move"}`}
            style={{ flexGrow: wide[at] }}
            title={`${words(one.name)}: ${duration(one.ms)}`}
          />
        ))}
      </div>
      <ol className="clary-way-list" aria-label="Time line">
        {all.map((one) => (
          <li key={`${one.name}${one.from.getTime()}`}>
            <span className={`clary-way-dot clary-tone-${TONES[one.name] ?? "move"}`} aria-hidden="true" />
            <b>{words(one.name)}</b>
            <span className="clary-numbers clary-nowrap">{one.end ? "" : duration(one.ms)}</span>
            <span className="clary-way-when">
              <Instant when={one.from} />
            </span>
            <span className="clary-way-said">{one.message}</span>
          </li>
        ))}
      </ol>
    </Container>
  )
}
