/**
 * Uploads, a few at a time. They live beside the pages: one may look elsewhere in the console meanwhile. Large files go
 * in parts; each can be cancelled and tried again.
 */
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3"
import { Upload } from "@aws-sdk/lib-storage"
import { aws } from "@/aws/client"
import { inWords } from "@/aws/live"
import { contentTypeOf } from "../preview/kind"
import { decodeListed } from "./keys"

export type Sending = {
  id: number
  bucket: string
  key: string
  size: number
  sent: number
  state: "waiting" | "sending" | "exists" | "done" | "failed" | "cancelled"
  problem?: string
}

type Job = Sending & { file: File; replace: boolean; stop?: () => void }

const AT_ONCE = 3
const SMALLEST_PART = 8 * 1024 * 1024
const MOST_PARTS = 9_000

/** S3 takes 10,000 parts at most, so those of very large files are larger. */
export const partSize = (size: number): number => Math.max(SMALLEST_PART, Math.ceil(size / MOST_PARTS))

let jobs: Job[] = []
let seen: Sending[] = []
let last = 0
const listeners = new Set<() => void>()

function changed(): void {
  seen = jobs.map(({ file, replace, stop, ...shown }) => shown)
  for (const listener of listeners) listener()
}

export const uploads = (): Sending[] => seen

export function onUploads(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Each file becomes `prefix` + its path. What is there already is replaced only when somebody says so. */
export function upload(
  bucket: string,
  prefix: string,
  files: readonly { path: string; file: File }[],
  replace = false,
) {
  for (const { path, file } of files) {
    last += 1
    jobs.push({ id: last, bucket, key: prefix + path, size: file.size, sent: 0, state: "waiting", file, replace })
  }
  changed()
  next()
}

export function again(id: number, replace = false): void {
  const job = jobs.find((one) => one.id === id)
  if (!job) return
  Object.assign(job, { state: "waiting", sent: 0, problem: undefined, replace: job.replace || replace })
  changed()
  next()
}

export function cancel(id: number): void {
  const job = jobs.find((one) => one.id === id)
  if (!job || job.state === "done") return
  job.state = "cancelled"
  job.stop?.()
  changed()
  next()
}

/** Those that have come to an end are no longer shown. */
export function clearEnded(): void {
  jobs = jobs.filter((one) => one.state === "waiting" || one.state === "sending")
  changed()
}

function next(): void {
  while (jobs.filter((one) => one.state === "sending").length < AT_ONCE) {
    const job = jobs.find((one) => one.state === "waiting")
    if (!job) break
    job.state = "sending"
    changed()
    void send(job).then(next)
  }
  // Leaving the page ends what is under way, so the browser asks first.
  window.onbeforeunload = jobs.some((one) => one.state === "sending") ? (event) => event.preventDefault() : null
}

async function send(job: Job): Promise<void> {
  try {
    if (!job.replace && (await isThere(job.bucket, job.key))) {
      if (job.state === "sending") job.state = "exists"
      return
    }
    if (job.state !== "sending") return
    const put = new Upload({
      client: aws(S3Client),
      params: { Bucket: job.bucket, Key: job.key, Body: job.file, ContentType: contentTypeOf(job.file) },
      partSize: partSize(job.size),
      queueSize: 3,
    })
    job.stop = () => void put.abort()
    put.on("httpUploadProgress", ({ loaded }) => {
      job.sent = Math.max(job.sent, loaded ?? 0)
      changed()
    })
    await put.done()
    if (job.state === "sending") Object.assign(job, { state: "done", sent: job.size })
  } catch (error) {
    if (job.state === "sending") Object.assign(job, { state: "failed", problem: inWords(error) })
  } finally {
    job.stop = undefined
    changed()
  }
}

/** By a list, which answers 200 either way. */
async function isThere(bucket: string, key: string): Promise<boolean> {
  const asked = { Bucket: bucket, Prefix: key, MaxKeys: 1, EncodingType: "url" as const }
  const page = await aws(S3Client).send(new ListObjectsV2Command(asked))
  return decodeListed(page.Contents?.[0]?.Key ?? "") === key && key !== ""
}
