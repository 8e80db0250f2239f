/** What an example uploads and creates, as `tools/examples.py` made it from the example's own code. */

export type BundleFile = { key: string; contentType: string; bytes: number; body?: string; url?: string }
export type Bundle = { name: string; description: string; definition: unknown; files: BundleFile[] }
export type Names = { name: string; bucket: string; role: string }

const PLACE = `${import.meta.env.BASE_URL}examples/`

async function fetched(path: string): Promise<Response> {
  const answer = await fetch(PLACE + path)
  if (!answer.ok) throw new Error(`${PLACE}${path} answered ${answer.status}: is the console built as a whole?`)
  return answer
}

export async function bundleOf(example: string): Promise<Bundle> {
  return (await (await fetched(`${example}/bundle.json`)).json()) as Bundle
}

/** The words that stand for names become these names. */
export const fill = (text: string, names: Names): string =>
  text
    .replaceAll("EXAMPLE-BUCKET", names.bucket)
    .replaceAll("EXAMPLE-ROLE", names.role)
    .replaceAll("EXAMPLE-NAME", names.name)

export async function contentOf(file: BundleFile): Promise<Uint8Array> {
  if (file.url === undefined) return new TextEncoder().encode(file.body ?? "")
  return unpacked(await fetched(file.url))
}

/** Files travel packed. A server between may have unpacked them already: gzip is known by its first bytes. */
async function unpacked(answer: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
