/** A text as a QR code: dark on white in both themes, as cameras like it. */
import { encode } from "uqr"

/** Longer texts make codes that phones read badly. */
export const MOST_LETTERS = 1_200

export function Qr({ text, label, size = 160 }: { text: string; label: string; size?: number }) {
  const { data, size: cells } = encode(text, { border: 2, ecc: "M" })
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("")
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${cells} ${cells}`}
      width={size}
      height={size}
      className="clary-qr"
    >
      <rect width={cells} height={cells} fill="#fff" />
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  )
}
