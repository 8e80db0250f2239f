/** Where captured objects lie: <prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/<minute>-<second>-<ms>-<uuid>.jsonl, in UTC. */

export type Place = { bucket: string; prefix: string }

/** The folder of all that was captured of an endpoint; null: that is no place in S3. */
export function placeOf(destination: string, endpoint: string): Place | null {
  const https = /^https:\/\/(?:([^./]+)\.s3[^/]*|s3[^/]*\/([^/]+))\/?(.*)$/.exec(destination)
  const s3 = /^s3:\/\/([^/]+)\/?(.*)$/.exec(destination)
  const bucket = s3?.[1] ?? https?.[1] ?? https?.[2]
  if (!bucket) return null
  const above = (s3?.[2] ?? https?.[3] ?? "").replace(/\/+$/, "")
  return { bucket, prefix: `${above ? `${above}/` : ""}${endpoint}/` }
}

/** A prefix as the folder that it means, so that its link leads into it. */
export const folder = (uri: string | undefined): string | undefined => uri?.replace(/\/*$/, "/")

/** "2026/11/22/14/" of a key or a prefix, behind the variant's name. */
export const hourOf = (key: string): string => /\/(\d{4}\/\d{2}\/\d{2}\/\d{2}\/)/.exec(key)?.[1] ?? ""

/** The beginning of an hour's folder as an instant. */
export function startOf(hour: string): Date | undefined {
  const [year, month, day, at] = hour.split("/").map(Number)
  if (year === undefined || month === undefined || day === undefined || at === undefined) return undefined
  return new Date(Date.UTC(year, month - 1, day, at))
}

/** Keys of files, the newest first whatever their variant: by their hour, and then by their name. */
export const newestKeys = (keys: readonly string[]): string[] => {
  const order = (key: string) => `${hourOf(key)}${key.split("/").at(-1)}`
  return [...keys].sort((a, b) => (order(a) < order(b) ? 1 : order(a) > order(b) ? -1 : 0))
}
