/** A small picture for each type of step. What it means is always written beside it. */
const DRAWN: Record<string, string> = {
  // A funnel.
  Processing: "M2 3h12l-4.5 5.5V13l-3 1V8.5z",
  // A curve that falls.
  Training: "M2 2v12h12M4.5 4.5c1 5 3.5 6.5 9 7",
  // Sliders.
  Tuning: "M2 4h7m3 0h2M2 12h2m3 0h7M9 2v4h3V2zM4 10v4h3v-4z",
  // Arrows there and back.
  Transform: "M2 5h11l-3-3m3 3-3 3M14 11H3l3-3m-3 3 3 3",
  // A cube.
  Model: "M8 1.5 14 5v6l-6 3.5L2 11V5zM2 5l6 3.5L14 5M8 8.5v6",
  // A tag.
  RegisterModel: "M2 2h6l6 6-6 6-6-6zM5.2 5.2h.1",
  EndpointConfig: "M3 2h10v12H3zM5.5 5.5h5m-5 2.5h5m-5 2.5h3",
  // A plug that answers.
  Endpoint: "M8 14v-3M4.5 4h7v3a3.5 3.5 0 0 1-7 0zM6 4V1.5M10 4V1.5",
  // A fork.
  Condition: "M8 1.5 14.5 8 8 14.5 1.5 8z",
  Fail: "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5zM5.5 5.5l5 5m0-5-5 5",
  // Somebody else's turn.
  Callback: "M2 3h12v8H7l-3 3v-3H2z",
  // A shield.
  QualityCheck: "M8 1.5 13.5 4v4c0 3-2.2 5.300-5.500 6.500C4.700 13.300 2.500 11 2.500 8V4zM5.500 8l2 2 3-3.500",
}

export function TypeIcon({ type }: { type: string }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" className="clary-dag-icon">
      <path d={DRAWN[type] ?? "M2.5 2.5h11v11h-11z"} />
    </svg>
  )
}

/** "RegisterModel" as people say it. */
export const typeSaid = (type: string): string =>
  ({ RegisterModel: "Register model", EndpointConfig: "Endpoint configuration", QualityCheck: "Quality check" })[
    type
  ] ?? type
