/** Points of two numbers. Cloudscape draws lines and bars; this draws what has neither order nor categories. */
import { number } from "@/parts/format"
import { type Point, ticksOf } from "./guess"

const [WIDTH, HEIGHT] = [800, 320]
const [LEFT, RIGHT, TOP, BOTTOM] = [72, 16, 28, 48]

export function Scatter({
  points,
  label,
  x,
  y,
}: {
  points: readonly Point<number>[]
  label: string
  x: string
  y: string
}) {
  const xs = ticksOf(least(points, "x"), most(points, "x"), 8)
  const ys = ticksOf(least(points, "y"), most(points, "y"))
  const across = scale(xs, LEFT, WIDTH - RIGHT)
  const up = scale(ys, HEIGHT - BOTTOM, TOP)
  return (
    <svg
      className="clary-scatter"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width="100%"
      role="img"
      aria-label={`${label}: ${points.length} points`}
    >
      {ys.map((at) => (
        <g key={at}>
          <line className="clary-scatter-line" x1={LEFT} x2={WIDTH - RIGHT} y1={up(at)} y2={up(at)} />
          <text x={LEFT - 8} y={up(at) + 4} textAnchor="end">
            {number(at)}
          </text>
        </g>
      ))}
      {xs.map((at) => (
        <text key={at} x={across(at)} y={HEIGHT - BOTTOM + 18} textAnchor="middle">
          {number(at)}
        </text>
      ))}
      <text x={LEFT} y={14} textAnchor="start">
        {y}
      </text>
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 6} textAnchor="middle">
        {x}
      </text>
      {points.map((point, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: points have no name, and two may lie at one place
        <circle key={at} cx={across(point.x)} cy={up(point.y)} r={3}>
          <title>{`${x} ${number(point.x)}, ${y} ${number(point.y)}`}</title>
        </circle>
      ))}
    </svg>
  )
}

// Not by Math.min(...): there may be more points than a call takes arguments.
const least = (points: readonly Point<number>[], of: "x" | "y"): number =>
  points.reduce((low, one) => Math.min(low, one[of]), points[0]?.[of] ?? 0)
const most = (points: readonly Point<number>[], of: "x" | "y"): number =>
  points.reduce((high, one) => Math.max(high, one[of]), points[0]?.[of] ?? 0)

const scale = (ticks: readonly number[], from: number, to: number) => {
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)]
  return (value: number): number => from + ((value - low) / (high - low || 1)) * (to - from)
}
