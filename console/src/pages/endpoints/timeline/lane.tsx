/** One lane: its lines, its axis, and beside its title what each line says at the cursor. */
import { useId } from "react"
import { last, type Point, valueAt } from "../metrics"
import type { Lane as Shown } from "./lanes"
import type { Mark } from "./marks"
import { niceAbove, path } from "./scale"

export type Frame = { from: number; to: number; width: number; left: number; right: number; period: number }

export const xOf =
  ({ from, to, width, left, right }: Frame) =>
  (at: number): number =>
    left + ((at - from) / (to - from)) * (width - left - right)

/** Idle variants tell their zeros once a minute. */
const IDLE_MS = 100_000
const HEIGHT = 84
const TOP = 6
const BOTTOM = 4

/** Seconds between the points of a lane. */
export const every = (lane: Shown, frame: Frame): number => (lane.minutely ? Math.max(60, frame.period) : frame.period)

/** What a line says at the cursor; without one, the latest that is still of now. */
export function said(points: readonly Point[], lane: Shown, frame: Frame, cursor: number | null): number | undefined {
  const ms = every(lane, frame) * 1_000
  if (cursor !== null) return valueAt(points, cursor, ms)
  const latest = points.at(-1)
  return latest && frame.to - latest.x <= Math.max(3 * ms, IDLE_MS) ? last(points) : undefined
}

type Props = { lane: Shown; frame: Frame; marks: readonly Mark[]; ticks: readonly number[]; cursor: number | null }

export function Lane({ lane, frame, marks, ticks, cursor }: Props) {
  const x = xOf(frame)
  const highest = Math.max(lane.least, ...lane.lines.flatMap((one) => one.points.map(({ y }) => y)))
  const top = lane.whole ? Math.max(1, Math.ceil(highest)) : niceAbove(highest)
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)
  const reach = Math.max(every(lane, frame) * 2_500, IDLE_MS)
  const clip = useId()
  const known = lane.lines.some((one) => one.points.length)
  return (
    <section className="clary-lane" aria-label={lane.title}>
      <div className="clary-lane-head">
        <span className="clary-lane-title">{lane.title}</span>
        {known &&
          lane.lines.map((line) => {
            const value = said(line.points, lane, frame, cursor)
            return (
              <span key={line.title} className="clary-lane-key">
                <svg width="14" height="8" aria-hidden="true">
                  <path d="M0 4H14" stroke={line.color} strokeWidth="2.5" strokeDasharray={line.dash} />
                </svg>
                {lane.lines.length > 1 && <span>{line.title}</span>}
                <b className="clary-numbers">{value === undefined ? "–" : lane.format(value)}</b>
              </span>
            )
          })}
      </div>
      <svg width={frame.width} height={HEIGHT} className="clary-lane-picture" aria-hidden="true">
        <clipPath id={clip}>
          <rect x={frame.left} y={0} width={Math.max(0, frame.width - frame.left)} height={HEIGHT} />
        </clipPath>
        {(known ? ticks : []).map((at) => (
          <line key={at} x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - BOTTOM} className="clary-lane-grid" />
        ))}
        {[0, top].map((value) => (
          <g key={value}>
            <line
              x1={frame.left}
              x2={frame.width - frame.right}
              y1={y(value)}
              y2={y(value)}
              className="clary-lane-grid"
            />
            {known && (
              <text
                x={frame.left - 8}
                y={y(value) + (value === 0 ? 0 : 8)}
                textAnchor="end"
                className="clary-lane-label"
              >
                {lane.format(value)}
              </text>
            )}
          </g>
        ))}
        {marks.map((mark) => (
          <line
            key={mark.id}
            x1={x(mark.at)}
            x2={x(mark.at)}
            y1={0}
            y2={HEIGHT}
            className={`clary-mark-line clary-mark-${mark.tone}`}
          />
        ))}
        {lane.lines.map((line) => (
          <path
            key={line.title}
            clipPath={`url(#${clip})`}
            d={path(line.points, x, y, reach, lane.step)}
            fill="none"
            stroke={line.color}
            strokeWidth="1.75"
            strokeLinejoin="round"
            strokeLinecap="round"
            strokeDasharray={line.dash}
          />
        ))}
        {!known && (
          <text x={(frame.left + frame.width) / 2} y={HEIGHT / 2 + 4} textAnchor="middle" className="clary-lane-label">
            {frame.width > 520 ? lane.empty : "Nothing in this time"}
          </text>
        )}
        {cursor !== null && <line x1={x(cursor)} x2={x(cursor)} y1={0} y2={HEIGHT} className="clary-lane-cursor" />}
      </svg>
    </section>
  )
}
