/** The document of the model's page, where the page or the model's version names one: it makes the form. */
import { DescribeModelPackageCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import { type PageDocument, readDocument } from "@/app/logic/document"
import { readAt } from "@/apps/documents"
import { PAGE_PROPERTY } from "@/apps/names"
import { readApp } from "@/apps/wire"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { useModels } from "../read"

/** Where it is: what the page of the endpoint says, else the first version that says it. */
async function placeOf(endpoint: string, packages: readonly string[]): Promise<string> {
  const app = await readApp(endpoint)
  if (app?.document) return app.document
  for (const ModelPackageName of packages) {
    const said = await aws(SageMakerClient).send(new DescribeModelPackageCommand({ ModelPackageName }))
    const found = said.CustomerMetadataProperties?.[PAGE_PROPERTY]
    if (found) return found
  }
  return ""
}

async function readPage(endpoint: string, packages: readonly string[]): Promise<PageDocument | null> {
  const uri = await placeOf(endpoint, packages)
  if (!uri) return null
  const { document, flaws } = readDocument(JSON.parse(await readAt(uri)))
  if (document === null) throw new Error(`the document ${uri} has a flaw: ${flaws[0]?.path} ${flaws[0]?.message}`)
  return document
}

/** `data` null: there is none, and one asks with a raw body. */
export function useDocument(endpoint: string, models: readonly string[]) {
  const known = useModels(models)
  const packages = [...new Set((known.data ?? []).flatMap((one) => one.package ?? []))]
  return useLive(["page-document", endpoint, ...packages], () => readPage(endpoint, packages), {
    every: false,
    enabled: models.length === 0 || known.data !== undefined,
  })
}
