/** Parallel coordinates: an axis a parameter, a line a training job, coloured by how good its objective is. */
import type { ReactNode } from "react"
import { useNavigate } from "react-router"
import { number } from "@/parts/format"
import { consoleHref } from "@/shell/link"
import { useRove } from "./rove"
import { type Axis, objectiveAxis, position, ticks } from "./scales"
import type { Direction, Trial } from "./trials"
import { useWidth } from "./width"

type Props = {
  trials: readonly Trial[]
  axes: readonly Axis[]
  direction: Direction
  metric: string
  seen: string | null
  onSee: (name: string | null) => void
  /** Words about what is pointed at. */
  said: ReactNode
}

const [HEIGHT, SIDE, TOP, BOTTOM, LEAST] = [300, 70, 34, 16, 110]

/** How good: 1 the best, 0 the worst. */
export function goodness(value: number, values: readonly number[], direction: Direction): number {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (low === high) return 1
  const share = (value - low) / (high - low)
  return direction === "Minimize" ? 1 - share : share
}

const colour = (good: number) => `color-mix(in oklab, var(--clary-good) ${Math.round(good * 100)}%, var(--clary-poor))`

const short = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

/** A line through its places. An axis where it has none (another definition tunes that) is passed over by a bridge. */
export function drawn(
  places: readonly (number | undefined)[],
  x: (at: number) => number,
  y: (share: number) => number,
): { path: string; bridge: string } {
  let [path, bridge] = ["", ""]
  let last: { at: number; point: string } | null = null
  places.forEach((share, at) => {
    if (share === undefined) return
    const point = `${x(at).toFixed(1)} ${y(share).toFixed(1)}`
    if (last !== null && last.at === at - 1) path += `L${point}`
    else {
      if (last !== null) bridge += `M${last.point}L${point}`
      path += `M${point}`
    }
    last = { at, point }
  })
  return { path, bridge }
}

export function Parallel({ trials, axes, direction, metric, seen, onSee, said }: Props) {
  const [box, room] = useWidth()
  const navigate = useNavigate()
  const told = trials.filter((one) => one.objective !== undefined)
  const values = told.flatMap((one) => (one.objective === undefined ? [] : [one.objective]))
  const all = [...axes, objectiveAxis(metric, values)]
  const rove = useRove(told.length)
  const width = Math.max(room, (all.length - 1) * LEAST + 2 * SIDE)
  const x = (at: number) => SIDE + (at / Math.max(1, all.length - 1)) * (width - 2 * SIDE)
  const y = (share: number) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
  const fits = Math.floor((width - 2 * SIDE) / Math.max(1, all.length - 1) / 7.5)
  const line = (trial: Trial) =>
    drawn(
      all.map((axis, at) => position(axis, at === all.length - 1 ? trial.objective : trial.params[axis.name])),
      x,
      y,
    )
  // The best lies on top of the others, and what is pointed at on top of all.
  const sorted = told
    .map((trial) => ({ trial, good: goodness(trial.objective ?? 0, values, direction) }))
    .sort((a, b) => a.good - b.good)
  return (
    <>
      <div ref={box} className="clary-plot clary-plot-wide">
        {/* biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset; it groups the links inside and hears their arrow keys */}
        <svg
          width={width}
          height={HEIGHT}
          role="group"
          aria-label={`Hyperparameters against ${metric}`}
          onKeyDown={rove.keys}
        >
          {sorted.map(({ trial, good }, at) => {
            const to = `/jobs/training/${trial.name}`
            const { path, bridge } = line(trial)
            const state = seen === null ? "" : seen === trial.name ? "clary-plot-seen" : "clary-plot-faint"
            return (
              <a
                key={trial.name}
                href={consoleHref(to)}
                tabIndex={at === rove.stop ? 0 : -1}
                aria-label={`${trial.name}: ${Object.entries(trial.params)
                  .map(([name, value]) => `${name} ${value}`)
                  .join(", ")}, ${metric} ${number(trial.objective)}`}
                onClick={(event) => {
                  event.preventDefault()
                  navigate(to)
                }}
                onFocus={() => {
                  rove.setAt(at)
                  onSee(trial.name)
                }}
                onBlur={() => onSee(null)}
                onMouseEnter={() => onSee(trial.name)}
                onMouseLeave={() => onSee(null)}
              >
                <path d={path} className="clary-plot-reach" />
                <path d={path} className={`clary-plot-line ${state}`} style={{ stroke: colour(good) }} />
                {bridge && (
                  <path
                    d={bridge}
                    className={`clary-plot-line clary-plot-bridge ${state}`}
                    style={{ stroke: colour(good) }}
                  />
                )}
              </a>
            )
          })}
          {all.map((axis, at) => (
            <g key={`${at === all.length - 1 ? "objective " : ""}${axis.name}`} className="clary-plot-axis">
              <line x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - BOTTOM} />
              <text x={x(at)} y={16} textAnchor="middle" className="clary-plot-name">
                <title>{axis.name}</title>
                {short(axis.name, fits)}
              </text>
              {ticks(axis).map((tick) => (
                <g key={tick.text}>
                  <line x1={x(at) - 4} x2={x(at)} y1={y(tick.at)} y2={y(tick.at)} />
                  <text x={x(at) - 8} y={y(tick.at)} dy="0.32em" textAnchor="end" className="clary-plot-value">
                    {short(tick.text, 9)}
                  </text>
                </g>
              ))}
            </g>
          ))}
        </svg>
      </div>
      <div className="clary-plot-legend">
        <span className="clary-plot-said">{said}</span>
        <span>Worst {number(direction === "Minimize" ? Math.max(...values) : Math.min(...values))}</span>
        <span className="clary-plot-ramp" aria-hidden="true" />
        <span>Best {number(direction === "Minimize" ? Math.min(...values) : Math.max(...values))}</span>
      </div>
    </>
  )
}
