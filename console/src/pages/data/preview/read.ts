/** Bytes of an object: a part at a time, so that a file of any size can be looked at. */
import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { aws } from "@/aws/client"

export type At = { bucket: string; key: string; version?: string }

/** How much of a text is read. */
export const FIRST_BYTES = 256 * 1024
/** How much of a packed text is unpacked. */
const UNPACKED_BYTES = 1024 * 1024

/** "bytes=0-99" for the bytes from 0 up to and without 100; undefined for none, which no Range can say. */
export function rangeOf(start: number, end: number, size: number): string | undefined {
  const [from, to] = [Math.max(0, start), Math.min(end, size)]
  return from < to ? `bytes=${from}-${to - 1}` : undefined
}

const asked = ({ bucket, key, version }: At) => ({ Bucket: bucket, Key: key, VersionId: version })

export const head = (at: At) => aws(S3Client).send(new HeadObjectCommand({ ...asked(at), ChecksumMode: "ENABLED" }))

/** The bytes from `start` up to and without `end` of an object of that size. */
export async function bytesOf(at: At, start: number, end: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const Range = rangeOf(start, end, size)
  if (Range === undefined) return new Uint8Array()
  const answer = await aws(S3Client).send(new GetObjectCommand({ ...asked(at), Range }))
  if (!answer.Body) throw new Error("The answer has no body")
  return (await answer.Body.transformToByteArray()) as Uint8Array<ArrayBuffer>
}

/** The whole object as it comes. */
export async function streamOf(at: At): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const answer = await aws(S3Client).send(new GetObjectCommand(asked(at)))
  if (!answer.Body) throw new Error("The answer has no body")
  return answer.Body.transformToWebStream() as ReadableStream<Uint8Array<ArrayBuffer>>
}

export const ofBytes = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    start: (to) => {
      to.enqueue(bytes)
      to.close()
    },
  })

export const gunzip = (packed: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> =>
  packed.pipeThrough(new DecompressionStream("gzip")) as ReadableStream<Uint8Array<ArrayBuffer>>

/** What the beginning of a gzip file unpacks to; a file that was cut ends where it was cut. */
export async function unpacked(bytes: Uint8Array<ArrayBuffer>, whole: boolean, most = UNPACKED_BYTES) {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  const reader = gunzip(ofBytes(bytes)).getReader()
  try {
    while (size < most) {
      const { done, value } = await reader.read()
      if (done) return { bytes: joined(parts, size), whole }
      parts.push(value)
      size += value.length
    }
    void reader.cancel().catch(() => undefined)
    return { bytes: joined(parts, size), whole: false }
  } catch (error) {
    if (whole && size === 0) throw new Error("This is no gzip file, or it is damaged", { cause: error })
    return { bytes: joined(parts, size), whole: false }
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Whole lines of a text that may have been cut. */
export function linesOf(bytes: Uint8Array, whole: boolean): string {
  const text = new TextDecoder().decode(bytes)
  if (whole) return text
  const end = text.lastIndexOf("\n")
  return end > 0 ? text.slice(0, end + 1) : text
}
