/** An object becomes a file of the person's: small ones by a signed request, large ones by a link that streams to the disk. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"
import { useMutation } from "@tanstack/react-query"
import { aws } from "@/aws/client"
import { inWords } from "@/aws/live"
import { save } from "@/parts/save"
import { useFlash } from "@/shell/flash"
import { type At, bytesOf, head } from "../preview/read"
import { leafOf } from "./keys"

const IN_MEMORY = 64 * 1024 * 1024
const LINK_SECONDS = 60

export async function download(at: At & { size?: number }): Promise<void> {
  const name = leafOf(at.key) || "object"
  const size = at.size ?? (await head(at)).ContentLength ?? 0
  if (size <= IN_MEMORY) return save(await bytesOf(at, 0, size, size), name, "application/octet-stream")
  const link = document.createElement("a")
  link.href = await linkTo(at, LINK_SECONDS, true)
  link.click()
}

/** A URL that reads this object until it expires, without any keys. */
export function linkTo(at: At, seconds: number, attachment = false): Promise<string> {
  const named = `attachment; filename*=UTF-8''${encodeURIComponent(leafOf(at.key) || "object")}`
  const asked = new GetObjectCommand({
    Bucket: at.bucket,
    Key: at.key,
    VersionId: at.version,
    ...(attachment ? { ResponseContentDisposition: named } : {}),
  })
  return getSignedUrl(aws(S3Client), asked, { expiresIn: seconds })
}

/** Nothing changes by it, so nothing is read anew: only a failure is said. */
export function useDownload() {
  const flash = useFlash()
  return useMutation({
    mutationFn: download,
    onError: (error) => flash({ type: "error", content: inWords(error) }),
  })
}
