/** A link that carries the inputs, and never the token. */
import type { Field } from "./fields"
import { understand, type Values, written } from "./values"

export function queryOf(fields: readonly Field[], values: Values): string {
  const query = new URLSearchParams()
  for (const field of fields) {
    const words = written(field, values[field.name])
    if (words !== "") query.set(field.name, words)
  }
  return query.toString()
}

export const linkOf = (page: string, fields: readonly Field[], values: Values): string => {
  const query = queryOf(fields, values)
  return query ? `${page}?${query}` : page
}

/** The inputs of a link. What the form does not take is left out, and named. */
export function fromQuery(fields: readonly Field[], query: string): { values: Values; refused: string[] } {
  const said = new URLSearchParams(query)
  const [values, refused]: [Values, string[]] = [{}, []]
  for (const field of fields) {
    const text = said.get(field.name)
    if (text === null || text === "") continue
    const found = understand(field, text)
    if ("problem" in found) refused.push(`${field.title}: ${found.problem}`)
    else if (found.value !== undefined) values[field.name] = found.value
  }
  return { values, refused }
}
