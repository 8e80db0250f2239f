/** What an example calls its things. All carry one name; what is somebody else's already is left alone. */

export const TAG = "clary:example"
/** The roles of examples stand below this path. */
export const ROLES = "/examples/"

export const bucketFor = (name: string, account: string, region: string): string =>
  `${name}-example-${account}-${region}`

/** The name that a bucket of an example was made with. */
export const nameOfBucket = (bucket: string): string | undefined => /^(.+)-example-\d{12}-[a-z0-9-]+$/.exec(bucket)?.[1]

/** `car-evaluation`, or `car-evaluation-2` where that is taken, and so on. */
export function freeName(example: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? example : `${example}-${number}`
    if (!taken.has(name)) return name
  }
}

export type Arn = { service: string; kind: string; name: string; arn: string }

/** arn:aws:sagemaker:r:1:model/x -> a model x; arn:aws:s3:::b -> a bucket b. */
export function parseArn(arn: string): Arn {
  const [, , service = "", , , ...rest] = arn.split(":")
  const path = rest.join(":")
  if (service === "s3") return { service, kind: "bucket", name: path, arn }
  const slash = path.indexOf("/")
  const [kind, name] = [path.slice(0, slash), path.slice(slash + 1)]
  return { service, kind, name: kind === "role" ? (name.split("/").at(-1) ?? name) : name, arn }
}

/** Whether the role may be that of the page of the endpoint: its name is, but for an endpoint with a long name, all of it. */
export const pagesRole = (role: string, endpoint: string): boolean =>
  `app-${endpoint}`.length <= 64 ? role === `app-${endpoint}` : role.startsWith(`app-${endpoint.slice(0, 47)}-`)

/** Whether the ARN is that of a version of the group. */
export const isOf = (version: string | undefined, group: Arn): boolean =>
  version?.startsWith(`${group.arn.replace(":model-package-group/", ":model-package/")}/`) ?? false

/** The name of an example's run, read off whatever there is of it. */
export function nameFrom(things: readonly Arn[]): string | undefined {
  const named = things.find((one) => ["pipeline", "model-package-group"].includes(one.kind))
  if (named) return named.name
  return things
    .map((one) => (one.kind === "bucket" ? nameOfBucket(one.name) : undefined))
    .find((one) => one !== undefined)
}
