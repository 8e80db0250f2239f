/** From values to the bytes that the model is sent: CSV, JSON, JSON lines, or a file as it is. */
import { line } from "./csv"
import type { PageDocument } from "./document"
import type { Field } from "./fields"
import { type Json, plain } from "./json"
import type { Value, Values } from "./values"

export type Body = { content: string | Blob; contentType: string }
type Shape = Pick<PageDocument, "contentType" | "body">

const isJson = (type: string) => /^application\/json\b/i.test(type)
const isLines = (type: string) => /^application\/(x-)?json-?lines\b/i.test(type)
const isCsv = (type: string) => /^text\/csv\b/i.test(type)
const isFile = (value: unknown): value is File => typeof File !== "undefined" && value instanceof File

/** Whether one request may carry several rows. */
export const takesRows = ({ contentType, body }: Shape): boolean =>
  isCsv(contentType) || isLines(contentType) || (isJson(contentType) && body === "instances")

/** Whether the form's one file is the whole body. */
const isWhole = (document: Shape) => !isJson(document.contentType) && !isLines(document.contentType)

/** The body as text; a file in it is shown as `<name>`. */
export function textBody(document: Shape, fields: readonly Field[], rows: readonly Values[]): string {
  const { contentType } = document
  if (isJson(contentType)) {
    const objects = rows.map((row) => objectOf(fields, row))
    return JSON.stringify(document.body === "instances" ? { instances: objects } : (objects[0] ?? {}))
  }
  if (isLines(contentType)) return rows.map((row) => JSON.stringify(objectOf(fields, row))).join("\n")
  return rows.map((row) => line(fields.map((field) => plain(told(row[field.name]))))).join("\n")
}

function objectOf(fields: readonly Field[], row: Values): Record<string, Json> {
  const found: Record<string, Json> = {}
  for (const { name } of fields) {
    const value = row[name]
    if (value !== undefined) found[name] = told(value) ?? null
  }
  return found
}

const told = (value: Value | undefined): Json | undefined => (isFile(value) ? `<${value.name}>` : value)

/** What is sent. A file is the body itself; within JSON it is its Base64. */
export async function bodyOf(document: Shape, fields: readonly Field[], rows: readonly Values[]): Promise<Body> {
  const { contentType } = document
  const file = fields.map((field) => rows[0]?.[field.name]).find(isFile)
  if (file && isWhole(document)) {
    const named =
      isCsv(contentType) || contentType.includes("*") ? file.type || "application/octet-stream" : contentType
    return { content: file, contentType: named }
  }
  const whole: Values[] = []
  for (const row of rows) {
    const entries = Object.entries(row).map(async ([name, value]) => [
      name,
      isFile(value) ? await base64(value) : value,
    ])
    whole.push(Object.fromEntries(await Promise.all(entries)) as Values)
  }
  return { content: textBody(document, fields, whole), contentType }
}

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let text = ""
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}
