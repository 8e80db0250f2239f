// Beside each text file of the build stands its Brotli form, so that the server only has to hand it over.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { brotliCompressSync, constants } from "node:zlib"

const root = fileURLToPath(new URL("../../src/clary/services/signin/static", import.meta.url))
const LEAST_BYTES = 1024

for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name)
  // index.html is completed by the server, so it goes as it is.
  if (!entry.isFile() || !/\.(js|css|svg|json|csv)$/.test(entry.name)) continue
  const text = readFileSync(file)
  if (text.length < LEAST_BYTES) continue
  writeFileSync(`${file}.br`, brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
}
