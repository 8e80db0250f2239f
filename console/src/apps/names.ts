/** What the role of a model's page is called, says and may do: as `clary app create` makes it. */
import { Sha256 } from "@aws-crypto/sha256-js"

export const PATH = "/apps/"
export const POLICY = "invoke"
export const TAGS = {
  endpoint: "clary:endpoint",
  region: "clary:region",
  access: "clary:access",
  token: "clary:token",
  rate: "clary:rate",
  document: "clary:document",
} as const
/** Of a model package: the member of CustomerMetadataProperties that says where the document of its page is. */
export const PAGE_PROPERTY = "clary:page"
export const DEFAULT_RATE = 60
export const MOST_RATE = 100_000
const LONGEST = 64
const TOKEN_BYTES = 24

/** `crypto.subtle` is missing on plain http, so the digest is computed here. */
export function sha256(text: string): string {
  const hash = new Sha256()
  hash.update(text)
  return [...hash.digestSync()].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** Names of roles are bounded: one that would be too long is cut, and told from others like it by a digest. */
export function roleName(endpoint: string): string {
  const name = `app-${endpoint}`
  return name.length <= LONGEST ? name : `app-${endpoint.slice(0, 47)}-${sha256(endpoint).slice(0, 12)}`
}

export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
}

const policy = (statements: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements })

export const trust = (): string =>
  policy([{ Effect: "Allow", Principal: { Service: "apps.clary" }, Action: "sts:AssumeRole" }])

/** All that the page may do. `document`: an S3 URI; "": it has none. */
export function grant(endpointArn: string, document: string): string {
  const ask = {
    Effect: "Allow",
    Action: ["sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint"],
    Resource: endpointArn,
  }
  if (!document) return policy([ask])
  const object = `arn:aws:s3:::${document.replace(/^s3:\/\//, "")}`
  return policy([ask, { Effect: "Allow", Action: ["s3:GetObject"], Resource: object }])
}

export const linkOf = (endpoint: string, token = ""): string =>
  `${location.origin}/apps/${endpoint}${token ? `#token=${token}` : ""}`
