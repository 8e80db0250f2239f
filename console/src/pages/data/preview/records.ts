/** JSON lines as rows: the columns are the members in the order in which they are first seen. */
export type Record_ = Record<string, unknown>
export type Records = { records: Record_[]; columns: string[]; broken?: string }

export function recordsOf(text: string, most: number): Records {
  const records: Record_[] = []
  const columns = new Set<string>()
  let broken: string | undefined
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue
    if (records.length >= most) break
    try {
      const value: unknown = JSON.parse(line)
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
      const record: Record_ = isObject ? (value as Record_) : { value }
      for (const name of Object.keys(record)) columns.add(name)
      records.push(record)
    } catch (error) {
      broken ??= `Line ${at + 1} is no JSON: ${error instanceof Error ? error.message : String(error)}`
    }
  }
  return { records, columns: [...columns], ...(broken ? { broken } : {}) }
}
