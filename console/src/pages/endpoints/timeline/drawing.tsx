/** All lanes on one axis, with the marks of what happened and one cursor that all of them answer to. */
import { useEffect, useRef, useState } from "react"
import { instant } from "@/parts/format"
import { type Frame, Lane, said, xOf } from "./lane"
import type { Lane as Shown } from "./lanes"
import type { Kind, Mark } from "./marks"
import { instantAt, timeTicks } from "./scale"

function useWidth() {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (box.current === null) return
    const seen = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    seen.observe(box.current)
    return () => seen.disconnect()
  }, [])
  return { box, width }
}

const SHAPES: Record<Kind, (x: number) => string> = {
  change: (x) => `M${x - 5} 9a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`,
  scaling: (x) => `M${x} 3L${x + 6} 14H${x - 6}Z`,
  alarm: (x) => `M${x} 2L${x + 7} 9L${x} 16L${x - 7} 9Z`,
}

export const Sign = ({ kind, tone }: Pick<Mark, "kind" | "tone">) => (
  <svg width="16" height="18" aria-hidden="true" className="clary-sign">
    <path d={SHAPES[kind](8)} className={`clary-mark clary-mark-${tone}`} />
  </svg>
)

const clock = (at: number, seconds: boolean): string =>
  new Date(at).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
  })

type Props = { lanes: Shown[]; marks: readonly Mark[]; from: number; to: number; period: number }

export function Drawing({ lanes, marks, from, to, period }: Props) {
  const { box, width } = useWidth()
  const [cursor, setCursor] = useState<number | null>(null)
  const narrow = width < 520
  const frame: Frame = { from, to, width, left: narrow ? 52 : 72, right: 8, period }
  const at = cursor === null || cursor < from || cursor > to ? null : cursor
  const x = xOf(frame)
  const ticks = width ? timeTicks(from, to, width - frame.left, narrow ? 60 : 90) : []
  const near = at === null ? [] : marks.filter((one) => Math.abs(x(one.at) - x(at)) < 8)
  const move = (px: number) => setCursor(instantAt(px, frame.left, width - frame.left - frame.right, from, to, period))
  const step = (key: string): number | null | undefined => {
    const here = at ?? to
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -6, PageDown: 6 }[key]
    if (by !== undefined) return Math.min(to, Math.max(from, here + by * period * 1_000))
    return { Home: from, End: to, Escape: null }[key]
  }
  const words = [
    instant(new Date(at ?? to)),
    ...lanes.flatMap((lane) =>
      lane.lines.flatMap((line) => {
        const value = said(line.points, lane, frame, at)
        return value === undefined ? [] : [`${lane.title} ${line.title} ${lane.format(value)}`]
      }),
    ),
    ...near.map((one) => one.title),
  ].join(", ")
  return (
    <div
      ref={box}
      className="clary-timeline"
      role="slider"
      tabIndex={0}
      aria-label="Instant on the time line"
      aria-valuemin={Math.floor(from / 1_000)}
      aria-valuemax={Math.ceil(to / 1_000)}
      aria-valuenow={Math.floor((at ?? to) / 1_000)}
      aria-valuetext={words}
      onPointerMove={(event) => move(event.clientX - event.currentTarget.getBoundingClientRect().left)}
      onPointerLeave={() => setCursor(null)}
      onKeyDown={(event) => {
        const next = step(event.key)
        if (next === undefined) return
        event.preventDefault()
        setCursor(next)
      }}
    >
      {width > 0 && (
        <>
          <div className="clary-timeline-said">
            <span className="clary-numbers">{at === null ? "Latest values" : instant(new Date(at))}</span>
            {near.slice(0, 3).map((one) => (
              <span key={one.id} className="clary-timeline-near">
                <Sign kind={one.kind} tone={one.tone} /> {one.title}
              </span>
            ))}
          </div>
          <svg width={width} height="20" aria-hidden="true">
            {marks.map((one) => (
              <path key={one.id} d={SHAPES[one.kind](x(one.at))} className={`clary-mark clary-mark-${one.tone}`} />
            ))}
          </svg>
          {lanes.map((lane) => (
            <Lane key={lane.id} lane={lane} frame={frame} marks={marks} ticks={ticks} cursor={at} />
          ))}
          <svg width={width} height="20" aria-hidden="true">
            {ticks.map((one) => (
              <text key={one} x={Math.min(x(one), width - 18)} y="14" textAnchor="middle" className="clary-lane-label">
                {clock(one, false)}
              </text>
            ))}
          </svg>
        </>
      )}
    </div>
  )
}
