/** A line without axes, for tables and cards. Drawn as SVG; what it shows is said in `label`. */
type Props = { values: readonly (number | undefined)[]; label: string; width?: number; height?: number; color?: string }

/** The points of the line in a box of that size; gaps (undefined) break it. */
export function paths(values: readonly (number | undefined)[], width: number, height: number): string {
  const known = values.filter((one): one is number => one !== undefined)
  if (known.length === 0) return ""
  const [low, high] = [Math.min(0, ...known), Math.max(...known)]
  const step = values.length > 1 ? width / (values.length - 1) : 0
  const y = (value: number) => (high === low ? height - 1 : height - 1 - ((value - low) / (high - low)) * (height - 2))
  let drawn = ""
  values.forEach((value, at) => {
    if (value === undefined) return
    const open = values[at - 1] !== undefined
    drawn += `${open ? "L" : "M"}${(at * step).toFixed(1)} ${y(value).toFixed(1)}`
    // A value between two gaps has no line: it stands as a spike.
    if (!open && values[at + 1] === undefined) drawn += `V${height - 1}h0.01`
  })
  return drawn
}

export function Sparkline({ values, label, width = 120, height = 28, color = "currentColor" }: Props) {
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      className="clary-sparkline"
    >
      <path
        d={paths(values, width, height)}
        fill="none"
        stroke={color}
        strokeWidth="1.5"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  )
}
