/** Parquet by ranges: the footer first, then only the pages of the rows that are shown. */
import type { AsyncBuffer, FileMetaData, LogicalType, SchemaElement, SchemaTree } from "hyparquet"
import { type At, bytesOf } from "./read"

export type ParquetColumn = { name: string; type: string; nullable: boolean; depth: number }
export type Footer = {
  file: AsyncBuffer
  metadata: FileMetaData
  columns: ParquetColumn[]
  rows: number
  groups: number
  codecs: string[]
  by?: string
  /** Compressed bytes of the first row group: what must be read at most to see its rows. */
  firstGroup: number
}

/** Row groups above this are not read unasked. */
export const UNASKED_BYTES = 32 * 1024 * 1024

export async function footerOf(at: At, size: number): Promise<Footer> {
  const { cachedAsyncBuffer, parquetMetadataAsync, parquetSchema } = await import("hyparquet")
  const file = cachedAsyncBuffer({
    byteLength: size,
    slice: async (start, end = size) => (await bytesOf(at, start < 0 ? size + start : start, end, size)).buffer,
  })
  const metadata = await parquetMetadataAsync(file)
  const chunks = metadata.row_groups.flatMap((group) => group.columns.flatMap((one) => one.meta_data ?? []))
  const first = metadata.row_groups[0]?.columns ?? []
  return {
    file,
    metadata,
    columns: parquetSchema(metadata).children.flatMap((child) => flattened(child, 0)),
    rows: Number(metadata.num_rows),
    groups: metadata.row_groups.length,
    codecs: [...new Set(chunks.map((one) => one.codec.toLowerCase()))],
    by: metadata.created_by,
    firstGroup: first.reduce((sum, one) => sum + Number(one.meta_data?.total_compressed_size ?? 0), 0),
  }
}

/** The first rows, a value a column. */
export async function rowsOf({ file, metadata, columns }: Footer, most: number): Promise<unknown[][]> {
  const [{ parquetReadObjects }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ])
  const rowEnd = Math.min(most, Number(metadata.num_rows))
  if (rowEnd === 0) return []
  const rows = await parquetReadObjects({
    file,
    metadata,
    rowStart: 0,
    rowEnd,
    compressors,
    parsers: TIMES,
    useOffsetIndex: true,
  })
  const names = columns.filter((one) => one.depth === 0).map((one) => one.name)
  return rows.map((row) => names.map((name) => row[name] as unknown))
}

/** An instant of so many units since 1970, with the digits that the file has: a Date would keep milliseconds only. */
export function timeText(units: bigint, perSecond: bigint): string {
  const seconds = units / perSecond - (units % perSecond < 0n ? 1n : 0n)
  const rest = units - seconds * perSecond
  const when = new Date(Number(seconds) * 1000)
  if (Number.isNaN(when.getTime())) return `${units}`
  const fraction = String(rest)
    .padStart(String(perSecond).length - 1, "0")
    .replace(/0+$/, "")
  return `${when.toISOString().slice(0, -5).replace("T", " ")}${fraction ? `.${fraction}` : ""}`
}

const TIMES = {
  dateFromDays: (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10),
  timestampFromMilliseconds: (units: bigint) => timeText(units, 1_000n),
  timestampFromMicroseconds: (units: bigint) => timeText(units, 1_000_000n),
  timestampFromNanoseconds: (units: bigint) => timeText(units, 1_000_000_000n),
}

/** A column, and those within it. */
function flattened(tree: SchemaTree, depth: number): ParquetColumn[] {
  const { element, children } = tree
  const own = { name: element.name, type: typeName(element), nullable: element.repetition_type === "OPTIONAL", depth }
  return [own, ...children.flatMap((child) => flattened(child, depth + 1))]
}

const PHYSICAL: Record<string, string> = {
  BOOLEAN: "boolean",
  INT32: "int32",
  INT64: "int64",
  INT96: "timestamp",
  FLOAT: "float",
  DOUBLE: "double",
  BYTE_ARRAY: "binary",
  FIXED_LEN_BYTE_ARRAY: "binary",
}
const CONVERTED: Record<string, string> = {
  UTF8: "string",
  DATE: "date",
  MAP: "map",
  LIST: "list",
  ENUM: "string",
  JSON: "json",
}

/** What a column is, in the words of those who write such files. */
export function typeName(element: SchemaElement): string {
  return (element.logical_type && logicalName(element.logical_type)) ?? plainName(element)
}

function logicalName(logical: LogicalType): string {
  switch (logical.type) {
    case "DECIMAL":
      return `decimal(${logical.precision}, ${logical.scale})`
    case "TIMESTAMP":
      return logical.isAdjustedToUTC ? "timestamp (UTC)" : "timestamp"
    case "INTEGER":
      return `${logical.isSigned ? "" : "u"}int${logical.bitWidth}`
    default:
      return logical.type.toLowerCase()
  }
}

/** Older files say it otherwise, or only how the values are stored. */
function plainName(element: SchemaElement): string {
  const converted = element.converted_type
  if (converted === "DECIMAL") return `decimal(${element.precision ?? "?"}, ${element.scale ?? 0})`
  if (converted?.startsWith("TIMESTAMP")) return "timestamp (UTC)"
  if (converted && CONVERTED[converted]) return CONVERTED[converted]
  if (element.num_children) return element.repetition_type === "REPEATED" ? "repeated" : "struct"
  const physical = PHYSICAL[element.type ?? ""] ?? element.type?.toLowerCase() ?? ""
  return element.type === "FIXED_LEN_BYTE_ARRAY" && element.type_length ? `binary(${element.type_length})` : physical
}

/** Numbers stand to the right. */
export const isNumberType = (type: string): boolean => /^(u?int\d+|float|float16|double|decimal\(.*)$/.test(type)
