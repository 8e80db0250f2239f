/** The objective over time: a point a training job in the order of their start, and the best so far as a line. */
import { useNavigate } from "react-router"
import { number } from "@/parts/format"
import { consoleHref } from "@/shell/link"
import { useRove } from "./rove"
import { objectiveAxis, position, round, ticks } from "./scales"
import type { Direction, Point } from "./trials"
import { points as pointsOf, type Trial } from "./trials"
import { useWidth } from "./width"

type Props = {
  trials: readonly Trial[]
  direction: Direction
  metric: string
  seen: string | null
  onSee: (name: string | null) => void
}

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [260, 62, 16, 12, 40]

export function Objective({ trials, direction, metric, seen, onSee }: Props) {
  const [box, width] = useWidth()
  const found = pointsOf(trials, direction)
  const rove = useRove(found.length)
  const navigate = useNavigate()
  const axis = objectiveAxis(
    metric,
    found.map((one) => one.value),
    0.06,
  )
  const most = Math.max(2, trials.length)
  const x = (n: number) => LEFT + ((n - 1) / (most - 1)) * (width - LEFT - RIGHT)
  const y = (value: number) => HEIGHT - BOTTOM - (position(axis, value) ?? 0) * (HEIGHT - TOP - BOTTOM)
  return (
    <div ref={box} className="clary-plot">
      {/* biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset; it groups the links inside and hears their arrow keys */}
      <svg
        width={width}
        height={HEIGHT}
        role="group"
        aria-label={`${metric} of each training job`}
        onKeyDown={rove.keys}
      >
        {ticks(axis, 7).map((tick) => (
          <g key={tick.text} className="clary-plot-rule">
            <line
              x1={LEFT}
              x2={width - RIGHT}
              y1={HEIGHT - BOTTOM - tick.at * (HEIGHT - TOP - BOTTOM)}
              y2={HEIGHT - BOTTOM - tick.at * (HEIGHT - TOP - BOTTOM)}
            />
            <text x={LEFT - 8} y={HEIGHT - BOTTOM - tick.at * (HEIGHT - TOP - BOTTOM)} dy="0.32em" textAnchor="end">
              {tick.text}
            </text>
          </g>
        ))}
        {round(1, most, Math.min(10, most - 1))
          .filter((n) => Number.isInteger(n) && n >= 1)
          .map((n) => (
            <text key={n} x={x(n)} y={HEIGHT - BOTTOM + 16} textAnchor="middle" className="clary-plot-tick">
              {n}
            </text>
          ))}
        <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 6} textAnchor="middle" className="clary-plot-tick">
          Training job, by start
        </text>
        <path className="clary-plot-best" d={stairs(found, x, y)} />
        {found.map((one, at) => {
          const to = `/jobs/training/${one.trial.name}`
          return (
            <a
              key={one.trial.name}
              href={consoleHref(to)}
              tabIndex={at === rove.stop ? 0 : -1}
              aria-label={`${one.trial.name}: ${metric} ${number(one.value)}${one.isBest ? ", the best so far" : ""}`}
              onClick={(event) => {
                event.preventDefault()
                navigate(to)
              }}
              onFocus={() => {
                rove.setAt(at)
                onSee(one.trial.name)
              }}
              onBlur={() => onSee(null)}
              onMouseEnter={() => onSee(one.trial.name)}
              onMouseLeave={() => onSee(null)}
            >
              <circle
                cx={x(one.n)}
                cy={y(one.value)}
                r={seen === one.trial.name ? 7 : one.isBest ? 5 : 4}
                className={`clary-plot-dot ${one.isBest ? "clary-plot-dot-best" : ""}`}
              />
            </a>
          )
        })}
      </svg>
    </div>
  )
}

/** The best so far holds until a better one is told. */
function stairs(found: readonly Point[], x: (n: number) => number, y: (value: number) => number): string {
  return found
    .map((one, at) => (at === 0 ? `M${x(one.n)} ${y(one.best)}` : `H${x(one.n)}${one.isBest ? `V${y(one.best)}` : ""}`))
    .join("")
}
