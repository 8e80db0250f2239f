/** Deleting many: keys as they are, folders with everything below them, a thousand a request. */
import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectIdentifier,
  S3Client,
} from "@aws-sdk/client-s3"
import { aws } from "@/aws/client"
import { decodeListed } from "./keys"
import type { Entry } from "./listing"

export type Progress = { deleted: number }
const BATCH = 1_000

/** Keys below that prefix, all versions of them too if asked for, a page at a time. */
export async function* below(bucket: string, prefix: string, versions: boolean): AsyncGenerator<ObjectIdentifier[]> {
  let token: string | undefined
  let keyMarker: string | undefined
  let versionMarker: string | undefined
  do {
    const asked = { Bucket: bucket, Prefix: prefix, EncodingType: "url" as const }
    if (versions) {
      const page: ListObjectVersionsCommandOutput = await aws(S3Client).send(
        new ListObjectVersionsCommand({ ...asked, KeyMarker: keyMarker, VersionIdMarker: versionMarker }),
      )
      yield [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((one) => ({
        Key: decodeListed(one.Key ?? ""),
        VersionId: one.VersionId,
      }))
      token = page.IsTruncated ? "more" : undefined
      keyMarker = page.NextKeyMarker === undefined ? undefined : decodeListed(page.NextKeyMarker)
      versionMarker = page.NextVersionIdMarker
    } else {
      const page: ListObjectsV2CommandOutput = await aws(S3Client).send(
        new ListObjectsV2Command({ ...asked, ContinuationToken: token }),
      )
      yield (page.Contents ?? []).map((one) => ({ Key: decodeListed(one.Key ?? "") }))
      token = page.NextContinuationToken
    }
  } while (token)
}

async function deleteBatch(bucket: string, batch: ObjectIdentifier[]): Promise<number> {
  if (batch.length === 0) return 0
  const answer = await aws(S3Client).send(
    new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: batch, Quiet: true } }),
  )
  const failed = answer.Errors ?? []
  const first = failed[0]
  if (first) {
    const others = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ""
    throw new Error(`${first.Key}: ${first.Message ?? first.Code}${others}. What came before it is deleted.`)
  }
  return batch.length
}

/** Everything chosen is gone. `tell` hears how far it is; a thrown error says where it stopped. */
export async function remove(
  bucket: string,
  entries: readonly Entry[],
  versions: boolean,
  tell: (progress: Progress) => void,
): Promise<number> {
  let deleted = 0
  const single = entries
    .filter((one) => one.kind === "object")
    .map((one) => ({ Key: one.key, ...(one.version ? { VersionId: one.version } : {}) }))
  const say = (more: number) => {
    deleted += more
    tell({ deleted })
  }
  for (let at = 0; at < single.length; at += BATCH) say(await deleteBatch(bucket, single.slice(at, at + BATCH)))
  for (const one of entries) {
    if (one.kind === "folder")
      for await (const page of below(bucket, one.key, versions)) say(await deleteBatch(bucket, page))
  }
  return deleted
}

/** How many keys (or versions) lie below those prefixes, counted up to `most`. */
export async function countBelow(bucket: string, prefixes: readonly string[], versions: boolean, most: number) {
  let counted = 0
  for (const prefix of prefixes) {
    for await (const page of below(bucket, prefix, versions)) {
      counted += page.length
      if (counted >= most) return { counted: most, more: true }
    }
  }
  return { counted, more: false }
}
