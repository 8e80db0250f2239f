/** What a file is: its name says it first, its content type next, its first bytes have the last word. */

export type Kind =
  | "csv"
  | "tsv"
  | "json"
  | "jsonl"
  | "parquet"
  | "image"
  | "markdown"
  | "text"
  | "tar"
  | "empty"
  | "binary"

export type Format = { kind: Kind; gzip: boolean }

const ENDINGS: Record<string, Kind> = {
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  json: "json",
  ipynb: "json",
  jsonl: "jsonl",
  ndjson: "jsonl",
  jsonlines: "jsonl",
  parquet: "parquet",
  pq: "parquet",
  png: "image",
  jpg: "image",
  jpeg: "image",
  gif: "image",
  webp: "image",
  svg: "image",
  bmp: "image",
  avif: "image",
  ico: "image",
  md: "markdown",
  markdown: "markdown",
  tar: "tar",
}

const TYPES: [RegExp, Kind][] = [
  [/^text\/csv\b/, "csv"],
  [/^text\/tab-separated-values\b/, "tsv"],
  [/^application\/(x-)?(ndjson|jsonlines)\b/, "jsonl"],
  [/^application\/(.+\+)?json\b/, "json"],
  [/^application\/(vnd\.apache\.|x-)?parquet\b/, "parquet"],
  [/^image\/(png|jpeg|gif|webp|svg\+xml|bmp|avif|x-icon)\b/, "image"],
  [/^text\/markdown\b/, "markdown"],
  [/^application\/x-tar\b/, "tar"],
  [/^text\//, "text"],
]

const CONTENT_TYPES: Record<string, string> = {
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  json: "application/json",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
  md: "text/markdown",
  txt: "text/plain",
  log: "text/plain",
  yaml: "application/yaml",
  yml: "application/yaml",
  gz: "application/gzip",
  tgz: "application/gzip",
  tar: "application/x-tar",
}

const ending = (name: string): string => /\.([^./]+)$/.exec(name.toLowerCase())?.[1] ?? ""

/** What the name says of data files (systems differ in what they call CSV), else what the browser says. */
export const contentTypeOf = (file: { name: string; type: string }): string =>
  CONTENT_TYPES[ending(file.name)] || file.type || "application/octet-stream"

const begins = (bytes: Uint8Array, ...wanted: number[]): boolean => wanted.every((one, at) => bytes[at] === one)
const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))

export const isGzip = (bytes: Uint8Array): boolean => begins(bytes, 0x1f, 0x8b)

/** The kind that the bytes themselves prove, if they do. */
export function proven(bytes: Uint8Array): Kind | undefined {
  if (bytes.length === 0) return "empty"
  if (ascii(bytes, 0, 4) === "PAR1") return "parquet"
  if (begins(bytes, 0x89, 0x50, 0x4e, 0x47) || begins(bytes, 0xff, 0xd8, 0xff)) return "image"
  if (ascii(bytes, 0, 4) === "GIF8" || (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP")) return "image"
  if (ascii(bytes, 257, 262) === "ustar") return "tar"
  return undefined
}

/** Text has no NUL, and is UTF-8, but for a character that the end has cut. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/** What name and content type say; undefined: nothing. `model.tar.gz` is a tar within gzip. */
export function named(name: string, contentType = ""): { kind?: Kind; gzip: boolean } {
  const lower = name.toLowerCase()
  if (lower.endsWith(".tgz")) return { kind: "tar", gzip: true }
  const gzip = lower.endsWith(".gz")
  const kind = ENDINGS[ending(gzip ? lower.slice(0, -3) : lower)] ?? TYPES.find(([has]) => has.test(contentType))?.[1]
  return { ...(kind ? { kind } : {}), gzip }
}

const NEEDS_TEXT: readonly Kind[] = ["csv", "tsv", "json", "jsonl", "markdown", "text"]

/** The last word: `bytes` are the first ones, undone if they were gzip. */
export function detect(name: string, contentType: string | undefined, bytes: Uint8Array, gzip = false): Format {
  const found = proven(bytes)
  if (found) return { kind: found, gzip }
  const said = named(name, contentType).kind
  if (said === "image" && !isText(bytes)) return { kind: "image", gzip }
  if (said === "image") return { kind: ascii(bytes, 0, 2_000).includes("<svg") ? "image" : "text", gzip }
  if (!isText(bytes)) return { kind: said === "parquet" || said === "tar" ? said : "binary", gzip }
  if (said && NEEDS_TEXT.includes(said) && said !== "text") return { kind: said, gzip }
  return { kind: guessText(new TextDecoder().decode(bytes.subarray(0, 20_000), { stream: true })), gzip }
}

/** Text without a telling name, as many data files of jobs are (part-00000, data.out). */
export function guessText(text: string): Kind {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "")
  const whole = lines.slice(0, Math.max(1, Math.min(20, lines.length - 1)))
  const first = whole[0]?.trimStart() ?? ""
  if (/^[[{]/.test(first)) return whole.length > 1 && whole.every((line) => isJson(line)) ? "jsonl" : isJsonLike(text)
  for (const [mark, kind] of [
    ["\t", "tsv"],
    [",", "csv"],
  ] as const) {
    const counts = new Set(whole.map((line) => line.split(mark).length))
    if (whole.length > 1 && counts.size === 1 && !counts.has(1)) return kind
  }
  return "text"
}

const isJsonLike = (text: string): Kind => (/^\s*(\{\s*("|\})|\[\s*([[{"\d\-tfn]|\]))/.test(text) ? "json" : "text")

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
