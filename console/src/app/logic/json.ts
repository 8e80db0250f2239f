/** JSON as it is read: unknown until it is looked at. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What a text says as JSON; undefined: it is none. */
export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** As a person reads a value: strings without quotes, everything else as JSON. */
export const plain = (value: unknown): string =>
  value === undefined || value === null ? "" : typeof value === "string" ? value : (JSON.stringify(value) ?? "")
