/** What lies in a folder, a page at a time: a folder may hold more than any list could. */
import { ListObjectsV2Command, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3"
import { aws } from "@/aws/client"
import { decodeListed, leafOf } from "./keys"

export type Entry = {
  kind: "folder" | "object"
  /** The key of an object, the prefix of a folder. */
  key: string
  name: string
  size?: number
  modified?: Date
  storage?: string
  /** Only where versions are listed. */
  version?: string
  latest?: boolean
  /** A delete marker: the object was deleted at that moment. */
  marker?: boolean
}

export type Listing = { entries: Entry[]; next?: string }
type Asked = { bucket: string; prefix: string; startsWith?: string; token?: string; size?: number; versions?: boolean }

export const PAGE_SIZE = 100
/** How many names a search for "contains" looks through before it asks whether to go on. */
export const SEARCH_MOST = 10_000
const SEARCH_SHOWN = 500

export const entryId = (one: Entry): string => `${one.kind} ${one.key} ${one.version ?? ""}`

const folder = (prefix: string | undefined): Entry => {
  const key = decodeListed(prefix ?? "")
  return { kind: "folder", key, name: leafOf(key) }
}

/** Folders first, then objects, each in S3's order. An empty object called as the folder only makes it seen: left out. */
export async function list(asked: Asked): Promise<Listing> {
  return asked.versions ? listVersions(asked) : listObjects(asked)
}

async function listObjects({ bucket, prefix, startsWith = "", token, size = PAGE_SIZE }: Asked): Promise<Listing> {
  const page = await aws(S3Client).send(
    new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix + startsWith,
      Delimiter: "/",
      MaxKeys: size,
      EncodingType: "url",
      ContinuationToken: token,
    }),
  )
  const objects = (page.Contents ?? []).map((one): Entry => {
    const key = decodeListed(one.Key ?? "")
    return {
      kind: "object",
      key,
      name: key.slice(prefix.length),
      size: one.Size,
      modified: one.LastModified,
      storage: one.StorageClass,
    }
  })
  const entries = [
    ...(page.CommonPrefixes ?? []).map((one) => folder(one.Prefix)),
    ...objects.filter((one) => one.key !== prefix || (one.size ?? 0) > 0),
  ]
  return { entries, next: page.NextContinuationToken }
}

async function listVersions({ bucket, prefix, startsWith = "", token, size = PAGE_SIZE }: Asked): Promise<Listing> {
  const [keyMarker, versionMarker] = token === undefined ? [] : (JSON.parse(token) as [string, string?])
  const page = await aws(S3Client).send(
    new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: prefix + startsWith,
      Delimiter: "/",
      MaxKeys: size,
      EncodingType: "url",
      KeyMarker: keyMarker,
      VersionIdMarker: versionMarker,
    }),
  )
  const versions = (page.Versions ?? []).map((one): Entry => {
    const key = decodeListed(one.Key ?? "")
    const { Size: bytes, LastModified: modified, StorageClass: storage, VersionId: version, IsLatest: latest } = one
    return { kind: "object", key, name: key.slice(prefix.length), size: bytes, modified, storage, version, latest }
  })
  const markers = (page.DeleteMarkers ?? []).map((one): Entry => {
    const key = decodeListed(one.Key ?? "")
    const { LastModified: modified, VersionId: version, IsLatest: latest } = one
    return { kind: "object", key, name: key.slice(prefix.length), modified, version, latest, marker: true }
  })
  const rows = [...versions, ...markers].sort(
    (a, b) =>
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) ||
      Number(b.latest ?? false) - Number(a.latest ?? false) ||
      (b.modified?.getTime() ?? 0) - (a.modified?.getTime() ?? 0),
  )
  const { IsTruncated: more, NextKeyMarker: key, NextVersionIdMarker: version } = page
  return {
    entries: [...(page.CommonPrefixes ?? []).map((one) => folder(one.Prefix)), ...rows],
    next: more && key !== undefined ? JSON.stringify([decodeListed(key), version]) : undefined,
  }
}

export type Search = { entries: Entry[]; looked: number; next?: string }

/** Names in the folder that contain the text, in any case. S3 has no such question: the names are read. */
export async function search(asked: Omit<Asked, "startsWith" | "size">, text: string): Promise<Search> {
  const wanted = text.toLowerCase()
  const entries: Entry[] = []
  let [looked, token] = [0, asked.token]
  do {
    const page = await list({ ...asked, token, size: 1_000 })
    looked += page.entries.length
    entries.push(...page.entries.filter((one) => one.name.toLowerCase().includes(wanted)))
    token = page.next
  } while (token && looked < SEARCH_MOST && entries.length < SEARCH_SHOWN)
  return { entries, looked, next: token }
}
