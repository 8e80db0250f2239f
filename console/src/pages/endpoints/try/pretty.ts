/** A body as people read it: JSON with its lines, everything else as it is. */
export function pretty(text: string): string {
  const trimmed = text.trim()
  if (!/^[[{]/.test(trimmed)) return text
  try {
    return JSON.stringify(JSON.parse(trimmed), null, 2)
  } catch {
    // Several documents, one a line: each by itself, as long as all of them are JSON.
    const lines = trimmed.split("\n")
    try {
      return lines.map((one) => JSON.stringify(JSON.parse(one), null, 2)).join("\n")
    } catch {
      return text
    }
  }
}

/** The beginning of a text on one line. */
export function brief(text: string, most = 60): string {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}
