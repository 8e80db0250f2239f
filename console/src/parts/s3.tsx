/** s3://bucket/key as a link into the console's files. */
import { To } from "@/shell/link"

export function parseS3(uri: string): { bucket: string; key: string } | null {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri)
  return match?.[1] ? { bucket: match[1], key: match[2] ?? "" } : null
}

/** Where the console shows that object or prefix. */
export function filesAt(uri: string): string {
  const found = parseS3(uri)
  if (!found) return "/data/s3"
  const slash = found.key.lastIndexOf("/")
  const [prefix, name] = [found.key.slice(0, slash + 1), found.key.slice(slash + 1)]
  const query = new URLSearchParams({ ...(prefix ? { prefix } : {}), ...(name ? { object: name } : {}) }).toString()
  return `/data/s3/${found.bucket}${query ? `?${query}` : ""}`
}

export function S3({ uri }: { uri: string | undefined }) {
  if (!uri) return <>–</>
  return (
    <span className="clary-break">
      <To to={filesAt(uri)}>{uri}</To>
    </span>
  )
}
