/** What an Iceberg table tells of itself: its metadata file, which the catalog points to. */

import type { Table } from "@aws-sdk/client-glue"
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { aws } from "@/aws/client"
import { parseS3 } from "@/parts/s3"

export type Snapshot = {
  id: string
  when: Date | undefined
  operation: string
  added: number | undefined
  records: number | undefined
  files: number | undefined
  current: boolean
}

export const metadataLocation = (table: Table): string | undefined => table.Parameters?.metadata_location

type Wire = {
  "snapshot-id"?: string
  "timestamp-ms"?: number
  summary?: Record<string, string>
}

const counted = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))

/** Ids have more digits than a number of JavaScript holds: they are read as text. */
export const withLongIds = (text: string): string =>
  text.replace(/("(?:current-)?snapshot-id"\s*:\s*)(-?\d+)/g, '$1"$2"')

/** Snapshots, the newest first. */
export function snapshotsIn(text: string): Snapshot[] {
  const read = JSON.parse(withLongIds(text)) as { "current-snapshot-id"?: string; snapshots?: Wire[] }
  return (read.snapshots ?? [])
    .map((one) => ({
      id: one["snapshot-id"] ?? "",
      when: one["timestamp-ms"] === undefined ? undefined : new Date(one["timestamp-ms"]),
      operation: one.summary?.operation ?? "–",
      added: counted(one.summary?.["added-records"]),
      records: counted(one.summary?.["total-records"]),
      files: counted(one.summary?.["total-data-files"]),
      current: one["snapshot-id"] === read["current-snapshot-id"],
    }))
    .sort((a, b) => (b.when?.getTime() ?? 0) - (a.when?.getTime() ?? 0))
}

export async function snapshotsOf(location: string): Promise<Snapshot[]> {
  const at = parseS3(location)
  if (!at) throw new Error(`${location} is no place in S3`)
  const answer = await aws(S3Client).send(new GetObjectCommand({ Bucket: at.bucket, Key: at.key }))
  return snapshotsIn((await answer.Body?.transformToString()) ?? "{}")
}
