/** Views of Athena keep their statement as JSON in a comment: "/* Presto View: BASE64 *" + "/". */
import type { Table } from "@aws-sdk/client-glue"

export function viewText(table: Table): string | undefined {
  const original = table.ViewOriginalText
  const packed = /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/.exec(original?.trim() ?? "")?.[1]
  if (!packed) return original
  try {
    const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0))
    const read = JSON.parse(new TextDecoder().decode(bytes)) as { originalSql?: string }
    return read.originalSql ?? original
  } catch {
    return original // another program's comment: shown as it is
  }
}
