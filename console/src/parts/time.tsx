/** Instants and spans that go on by themselves. */
import { useEffect, useState } from "react"
import { ago, between, duration, instant } from "./format"

function useNow(everyMs: number, running = true): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs, running])
  return now
}

/** How long ago; the whole instant with its zone when pointed at. */
export function Ago({ when }: { when: Date | undefined }) {
  const now = useNow(10_000)
  return (
    <time className="clary-nowrap" dateTime={when?.toISOString()} title={instant(when)}>
      {ago(when, now)}
    </time>
  )
}

export function Instant({ when }: { when: Date | undefined }) {
  return (
    <time className="clary-numbers" dateTime={when?.toISOString()}>
      {instant(when)}
    </time>
  )
}

/** From `from` to `to`, or counting while there is no end. */
export function Took({ from, to }: { from: Date | undefined; to: Date | undefined }) {
  const now = useNow(1_000, from !== undefined && to === undefined)
  return <span className="clary-numbers clary-nowrap">{duration(between(from, to, now))}</span>
}
