/** An object becomes a file of the person's: small ones by a signed request, large ones by a link that streams to the disk. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { save } from "@/parts/save"
import { type At, bytesOf } from "../preview/read"
import { leafOf } from "./keys"

const IN_MEMORY = 64 * 1024 * 1024
const LINK_SECONDS = 60

export async function download(at: At & { size: number }): Promise<void> {
  const name = leafOf(at.key) || "object"
  if (at.size <= IN_MEMORY) return save(await bytesOf(at, 0, at.size, at.size), name, "application/octet-stream")
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

export const useDownload = () => useAct(download)
