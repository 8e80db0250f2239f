/**
 * Keys and prefixes. A key is any text: "/" parts it into what people see as folders, and empty parts are parts too, so
 * "a//b" lies in the folder without a name within "a". Nothing here trims, joins or normalises.
 */
export type FolderCrumb = { name: string; prefix: string }

/** The folders that lead to that prefix, outermost first: "a//b/" -> a/, a//, a//b/. What follows the last "/" is no folder. */
export function foldersOf(prefix: string): FolderCrumb[] {
  const found: FolderCrumb[] = []
  let from = 0
  for (let at = prefix.indexOf("/"); at >= 0; at = prefix.indexOf("/", from)) {
    found.push({ name: prefix.slice(from, at), prefix: prefix.slice(0, at + 1) })
    from = at + 1
  }
  return found
}

/** The prefix of the folder in which that key or prefix lies; "" at the top of the bucket. */
export function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/", key.length - 2) + 1)
}

/** What a key or prefix is called in its folder, without the folder's own last slash. */
export function leafOf(key: string): string {
  const name = key.slice(folderOf(key).length)
  return name.endsWith("/") ? name.slice(0, -1) : name
}

/** A name as it is drawn: one without a letter would be invisible. */
export const shownName = (name: string): string => (name === "" ? "(no name)" : name.trim() === "" ? `"${name}"` : name)

/** Lists are asked for with EncodingType=url, as XML cannot hold every key; AWS writes a space as "+". */
export const decodeListed = (text: string): string => decodeURIComponent(text.replaceAll("+", " "))

/**
 * Browsers resolve "." and ".." in every address before they ask, however they are written: such keys can be listed and
 * deleted here, but not read.
 */
export const isReachable = (key: string): boolean => !key.split("/").some((part) => part === "." || part === "..")

/** Ids of versions begin alike when they were made close together: their ends tell them apart. */
export const shortVersion = (id: string | undefined): string =>
  id === undefined ? "" : id.length > 12 ? `…${id.slice(-8)}` : id

/** s3://bucket/key, as every tool of AWS takes it. */
export const uriOf = (bucket: string, key: string): string => `s3://${bucket}/${key}`

/** The console's page of that folder or object. */
export function pageOf(bucket: string, prefix: string, object?: string): string {
  const query = new URLSearchParams()
  if (prefix) query.set("prefix", prefix)
  if (object !== undefined) query.set("object", object)
  const text = query.toString()
  return `/data/s3/${bucket}${text ? `?${text}` : ""}`
}

/** Why a new folder cannot be called so; "" when it can. */
export function folderNameProblem(name: string, prefix: string): string {
  if (name === "") return ""
  if (name.split("/").some((part) => part === "." || part === "..")) return "A folder cannot be called . or .."
  if (name.startsWith("/") || name.includes("//")) return "Between two slashes there must be a name"
  if (new TextEncoder().encode(`${prefix}${name}/`).length > 1024) return "Keys have 1,024 bytes at most"
  return ""
}
