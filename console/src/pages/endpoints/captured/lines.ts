/** A captured line: what went in, what came out, and how to read either. Pure functions. */

export type Encoding = "CSV" | "JSON" | "BASE64"
export type Side = {
  type: string
  encoding: string
  /** The body as text; undefined where it is none. */
  text: string | undefined
  bytes: number
}
export type Captured = {
  id: string
  at: Date | undefined
  variant: string
  inferenceId: string
  attributes: string
  input: Side | undefined
  output: Side | undefined
  /** The object that holds the line, and which one of it. */
  uri: string
  line: number
}

type SaidSide = { observedContentType?: string; data?: string; encoding?: string }
type Said = {
  captureData?: { endpointInput?: SaidSide; endpointOutput?: SaidSide }
  eventMetadata?: { eventId?: string; inferenceId?: string; inferenceTime?: string; customAttributes?: string[] }
}

function side(said: SaidSide | undefined): Side | undefined {
  if (said === undefined) return undefined
  const { observedContentType: type = "", encoding = "", data = "" } = said
  if (encoding !== "BASE64") return { type, encoding, text: data, bytes: new TextEncoder().encode(data).length }
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0))
  return { type, encoding, text: decoded(bytes), bytes: bytes.length }
}

/** Text that was captured as Base64 only because nobody said that its type is text. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    return [...text].some((one) => one < " " && !"\n\r\t".includes(one)) ? undefined : text
  } catch {
    return undefined
  }
}

/** The lines of one object, the newest first. Lines that are no JSON (a file that somebody else put there) are counted. */
export function parse(text: string, uri: string, variant: string): { lines: Captured[]; unread: number } {
  const lines: Captured[] = []
  let unread = 0
  text.split("\n").forEach((one, line) => {
    if (!one.trim()) return
    try {
      const said = JSON.parse(one) as Said
      const about = said.eventMetadata ?? {}
      lines.push({
        id: about.eventId ?? `${uri}#${line}`,
        at: about.inferenceTime ? new Date(about.inferenceTime) : undefined,
        variant,
        inferenceId: about.inferenceId ?? "",
        attributes: (about.customAttributes ?? []).join(", "),
        input: side(said.captureData?.endpointInput),
        output: side(said.captureData?.endpointOutput),
        uri,
        line: line + 1,
      })
    } catch {
      unread++
    }
  })
  return { lines: lines.reverse(), unread }
}

/** The newest first; what came later within the same second stays before what came earlier. */
export const newestFirst = (lines: Captured[]): Captured[] =>
  lines
    .map((one, at) => ({ one, at }))
    .sort((a, b) => (b.one.at?.getTime() ?? 0) - (a.one.at?.getTime() ?? 0) || a.at - b.at)
    .map(({ one }) => one)

export function matches(one: Captured, wanted: string): boolean {
  const needle = wanted.toLowerCase()
  return [one.input?.text, one.output?.text, one.inferenceId, one.attributes, one.id, one.variant].some((text) =>
    text?.toLowerCase().includes(needle),
  )
}
