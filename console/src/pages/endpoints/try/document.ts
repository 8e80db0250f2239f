/** The document of the model's page, where its version in the registry names one: it makes the form. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { DescribeModelPackageCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import { type PageDocument, readDocument } from "@/app/logic/document"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { parseS3 } from "@/parts/s3"
import { useModels } from "../read"

const PROPERTY = "clary:page"

async function readPage(packages: readonly string[]): Promise<PageDocument | null> {
  for (const ModelPackageName of packages) {
    const said = await aws(SageMakerClient).send(new DescribeModelPackageCommand({ ModelPackageName }))
    const at = parseS3(said.CustomerMetadataProperties?.[PROPERTY] ?? "")
    if (at === null) continue
    const object = await aws(S3Client).send(new GetObjectCommand({ Bucket: at.bucket, Key: at.key }))
    const { document, flaws } = readDocument(JSON.parse((await object.Body?.transformToString()) ?? "null"))
    if (document === null) throw new Error(`The page's document has a flaw: ${flaws[0]?.path} ${flaws[0]?.message}`)
    return document
  }
  return null
}

/** `data` null: there is none, and one asks with a raw body. */
export function useDocument(models: readonly string[]) {
  const known = useModels(models)
  const packages = [...new Set((known.data ?? []).flatMap((one) => one.package ?? []))]
  return useLive(["page-document", ...packages], () => readPage(packages), {
    every: false,
    enabled: known.data !== undefined,
  })
}
