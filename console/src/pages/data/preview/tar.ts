/** What a tar archive holds, read while it streams by: its contents are passed over, never kept. */

export type Member = { name: string; size: number; modified?: Date; kind: "file" | "folder" | "link" | "other" }
export type Archive = { members: Member[]; whole: boolean }

const BLOCK = 512

export const MOST_MEMBERS = 1_000
/** Unpacked bytes that are looked through at most. */
export const MOST_BYTES = 512 * 1024 * 1024

const textAt = (block: Uint8Array, from: number, size: number): string => {
  const field = block.subarray(from, from + size)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** Octal digits; of sizes beyond 8 GiB, a binary number whose first bit is set. */
function numberAt(block: Uint8Array, from: number, size: number): number {
  if ((block[from] ?? 0) & 0x80) {
    return block.subarray(from + 1, from + size).reduce((sum, byte) => sum * 256 + byte, 0)
  }
  return Number.parseInt(textAt(block, from, size).trim() || "0", 8)
}

/** PAX records: "27 path=a/very/long/name\n", the length first. */
function paxOf(data: Uint8Array): Record<string, string> {
  const found: Record<string, string> = {}
  let at = 0
  while (at < data.length) {
    const space = data.indexOf(0x20, at)
    const length = Number.parseInt(new TextDecoder().decode(data.subarray(at, space)), 10)
    if (space < 0 || !(length > 0)) break
    const [name = "", ...value] = new TextDecoder().decode(data.subarray(space + 1, at + length - 1)).split("=")
    found[name] = value.join("=")
    at += length
  }
  return found
}

const KINDS: Record<string, Member["kind"]> = {
  "0": "file",
  "": "file",
  "7": "file",
  "5": "folder",
  "1": "link",
  "2": "link",
}

/** Members up to `most`; whole: the end of the archive was reached. Throws where it is no tar. */
export async function membersOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  most = MOST_MEMBERS,
): Promise<Archive> {
  const reader = stream.getReader()
  const source = new Source(reader)
  const members: Member[] = []
  let long: Record<string, string> = {}
  try {
    for (;;) {
      if (members.length >= most || source.passed > MOST_BYTES) return { members, whole: false }
      const block = await source.take(BLOCK)
      if (block === undefined || block.every((byte) => byte === 0)) return { members, whole: true }
      if (textAt(block, 257, 5) !== "ustar" && members.length === 0) throw new Error("This is no tar archive")
      const size = long.size === undefined ? numberAt(block, 124, 12) : Number(long.size)
      const padded = Math.ceil(size / BLOCK) * BLOCK
      const type = String.fromCharCode(block[156] ?? 0).replace("\0", "")
      if (type === "x" || type === "L") {
        const data = ((await source.take(padded)) ?? new Uint8Array()).subarray(0, size)
        long = type === "x" ? { ...long, ...paxOf(data) } : { ...long, path: textAt(data, 0, data.length) }
        continue
      }
      if (type !== "g") {
        const prefix = textAt(block, 345, 155)
        const name =
          long.path ?? (prefix && textAt(block, 257, 6) === "ustar" ? `${prefix}/` : "") + textAt(block, 0, 100)
        const modified = new Date(numberAt(block, 136, 12) * 1000)
        members.push({ name, size, modified, kind: KINDS[type] ?? "other" })
        long = {}
      }
      await source.skip(padded)
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}

/** Bytes of a stream in the portions that are asked for. */
class Source {
  passed = 0
  private kept: Uint8Array = new Uint8Array()

  constructor(private readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>) {}

  private async more(): Promise<boolean> {
    const { done, value } = await this.reader.read()
    if (done) return false
    if (this.kept.length === 0) this.kept = value
    else {
      const both = new Uint8Array(this.kept.length + value.length)
      both.set(this.kept)
      both.set(value, this.kept.length)
      this.kept = both
    }
    return true
  }

  /** So many bytes; undefined: the stream has ended before. */
  async take(size: number): Promise<Uint8Array | undefined> {
    while (this.kept.length < size) if (!(await this.more())) return undefined
    const taken = this.kept.subarray(0, size)
    this.kept = this.kept.subarray(size)
    this.passed += size
    return taken
  }

  async skip(size: number): Promise<void> {
    let left = size
    for (;;) {
      const now = Math.min(left, this.kept.length)
      this.kept = this.kept.subarray(now)
      this.passed += now
      left -= now
      if (left === 0 || !(await this.more())) return
    }
  }
}
