/** Curves of a job's metrics, read from its own lines by the definitions that the job was made with. */

export type Definition = { name: string; pattern: RegExp }
export type Told = { at: number; value: number; stream: string }
export type Curve = { name: string; values: Told[] }

const LONGEST_LINE = 8_192

/** What the browser can search for; an expression that it does not know leaves its metric to CloudWatch. */
export function definitions(given: readonly { Name?: string; Regex?: string }[] | undefined): Definition[] {
  return (given ?? []).flatMap(({ Name, Regex }) => {
    if (!Name || !Regex) return []
    try {
      return [{ name: Name, pattern: new RegExp(Regex) }]
    } catch {
      return []
    }
  })
}

/** Every value that the lines told, in their order; metrics that none told are left out. */
export function curves(
  lines: readonly { at: number; stream: string; text: string }[],
  wanted: readonly Definition[],
): Curve[] {
  const found = new Map<string, Told[]>()
  for (const { at, stream, text } of lines) {
    if (text.length > LONGEST_LINE) continue
    for (const { name, pattern } of wanted) {
      const group = pattern.exec(text)?.[1]
      const value = group === undefined || group === "" ? Number.NaN : Number(group)
      if (!Number.isFinite(value)) continue
      const values = found.get(name) ?? []
      values.push({ at, value, stream })
      found.set(name, values)
    }
  }
  return wanted.flatMap(({ name }) => {
    const values = found.get(name)
    return values ? [{ name, values }] : []
  })
}

/** Metrics of one thing seen on several data stand in one chart: train:loss and validation:loss are both "loss". */
export function family(name: string): string {
  const split = /^(?:train(?:ing)?|valid(?:ation)?|val|test|eval)[:_\-/ ]+(.+)$/i.exec(name)
  return split?.[1] ?? name
}

export function families(names: readonly string[]): [string, string[]][] {
  const found = new Map<string, string[]>()
  for (const name of names) found.set(family(name), [...(found.get(family(name)) ?? []), name])
  return [...found]
}

/** Every n-th point of a long curve, the first and the last among them. */
export function thinned<T>(values: readonly T[], most = 500): T[] {
  if (values.length <= most) return [...values]
  const step = (values.length - 1) / (most - 1)
  return Array.from({ length: most }, (_, at) => values[Math.round(at * step)] as T)
}
