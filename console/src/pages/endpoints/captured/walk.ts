/** Captured data out of S3, the newest first, as much of it as is asked for. */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { type Captured, newestFirst, parse } from "./lines"
import { newestKeys, type Place } from "./places"

/** Folders right below a prefix. */
async function below(bucket: string, prefix: string): Promise<string[]> {
  const found = await all(
    (ContinuationToken) =>
      aws(S3Client).send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: "/", ContinuationToken }),
      ),
    (page) => page.CommonPrefixes,
    (page) => page.NextContinuationToken,
  )
  return found.flatMap((one) => one.Prefix ?? [])
}

export async function variantsIn({ bucket, prefix }: Place): Promise<string[]> {
  return (await below(bucket, prefix)).map((one) => one.slice(prefix.length, -1)).sort()
}

/** Folders of hours of these variants ("2026/11/22/14/"), the newest first, `most` of them. */
export async function hoursOf({ bucket, prefix }: Place, variants: readonly string[], most = 72): Promise<string[]> {
  const found = new Set<string>()
  for (const variant of variants) {
    const top = `${prefix}${variant}/`
    let level = [top]
    for (let depth = 0; depth < 4; depth++) {
      // The newest folders of each level are enough: an hour's folder is there for each hour with requests only.
      const next: string[] = []
      for (const folder of [...level].sort().reverse()) {
        next.push(...(await below(bucket, folder)))
        if (next.length >= most) break
      }
      level = next
    }
    for (const one of level) found.add(one.slice(top.length))
  }
  return [...found].sort().reverse().slice(0, most)
}

/** An object of captured lines is never changed: it is read once. */
const read = new Map<string, { lines: Captured[]; unread: number }>()
const MOST_FILES_KEPT = 500

async function file(bucket: string, key: string, variant: string) {
  const uri = `s3://${bucket}/${key}`
  const known = read.get(uri)
  if (known) return known
  const said = await aws(S3Client).send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  const found = parse((await said.Body?.transformToString()) ?? "", uri, variant)
  if (read.size >= MOST_FILES_KEPT) read.clear()
  read.set(uri, found)
  return found
}

export type Found = { lines: Captured[]; unread: number; files: number; more: boolean }

/** The newest `many` lines of these hours. */
export async function newest(
  { bucket, prefix }: Place,
  variants: readonly string[],
  hours: readonly string[],
  many: number,
): Promise<Found> {
  const found: Found = { lines: [], unread: 0, files: 0, more: false }
  for (const hour of hours) {
    const keys = (
      await Promise.all(
        variants.map((variant) =>
          all(
            (ContinuationToken) =>
              aws(S3Client).send(
                new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}${variant}/${hour}`, ContinuationToken }),
              ),
            (page) => page.Contents,
            (page) => page.NextContinuationToken,
            10_000,
          ),
        ),
      )
    ).flatMap((objects) => objects.flatMap((one) => one.Key ?? []))
    for (const key of newestKeys(keys)) {
      if (found.lines.length >= many) {
        found.more = true
        break
      }
      const { lines, unread } = await file(bucket, key, key.slice(prefix.length).split("/")[0] ?? "")
      found.lines.push(...lines)
      found.unread += unread
      found.files++
    }
    if (found.more) break
  }
  found.more ||= found.lines.length > many
  return { ...found, lines: newestFirst(found.lines).slice(0, many) }
}
