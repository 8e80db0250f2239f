/** Where the document of a page is: what the model's package says of it, and what stands there. */
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { type Flaw, readDocument } from "@/app/logic/document"
import { parsed } from "@/app/logic/json"
import { aws } from "@/aws/client"
import { parseS3 } from "@/parts/s3"
import { PAGE_PROPERTY } from "./names"

export type Known = {
  /** Where the package of the served model says that its document is; "": it does not. */
  package: string
  /** Buckets in which a document can be kept, the one of the model's data first. */
  buckets: string[]
}

/** What is known of the endpoint's model: from the endpoint to its configuration, its model and the package. */
export async function knownOf(endpoint: string): Promise<Known> {
  const sagemaker = aws(SageMakerClient)
  const { EndpointConfigName } = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: endpoint }))
  const { ProductionVariants } = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }))
  const found: Known = { package: "", buckets: [] }
  const near: string[] = []
  for (const { ModelName } of ProductionVariants ?? []) {
    if (!ModelName) continue
    const model = await sagemaker.send(new DescribeModelCommand({ ModelName }))
    for (const container of [model.PrimaryContainer, ...(model.Containers ?? [])]) {
      const bucket = parseS3(container?.ModelDataUrl ?? "")?.bucket
      if (bucket) near.push(bucket)
      const ModelPackageName = container?.ModelPackageName
      if (!ModelPackageName || found.package) continue
      const said = await sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName }))
      found.package = said.CustomerMetadataProperties?.[PAGE_PROPERTY] ?? ""
    }
  }
  const at = parseS3(found.package)?.bucket
  if (at) near.unshift(at)
  const { Buckets } = await aws(S3Client).send(new ListBucketsCommand({}))
  const all = (Buckets ?? []).flatMap((one) => (one.Name ? [one.Name] : []))
  found.buckets = [...new Set([...near.filter((one) => all.includes(one)), ...all])]
  return found
}

/** The text of a document, laid out to be read; what is no JSON comes as it is. */
export async function readAt(uri: string): Promise<string> {
  const place = parseS3(uri)
  if (!place) throw new Error(`${uri} is no s3://bucket/key.`)
  const { Body } = await aws(S3Client).send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key }))
  const text = (await Body?.transformToString()) ?? ""
  const document = parsed(text)
  return document === undefined ? text : JSON.stringify(document, null, 2)
}

/** Keeps the text as the endpoint's document. Answers where. */
export async function writeTo(bucket: string, endpoint: string, text: string): Promise<string> {
  const Key = `apps/${endpoint}/page.json`
  await aws(S3Client).send(new PutObjectCommand({ Bucket: bucket, Key, Body: text, ContentType: "application/json" }))
  return `s3://${bucket}/${Key}`
}

/** What is wrong with a text that shall be a document; empty: nothing. */
export function flawsOf(text: string): Flaw[] {
  try {
    return readDocument(JSON.parse(text)).flaws
  } catch (error) {
    return [{ path: "", message: `It is no JSON: ${error instanceof Error ? error.message : String(error)}` }]
  }
}

/** To begin with, where nothing is known of the model's inputs. */
export const SKELETON = JSON.stringify(
  {
    title: "What this page asks",
    description: "One sentence for whoever is given the link.",
    contentType: "text/csv",
    accept: "text/csv",
    input: {
      type: "object",
      properties: {
        size: { title: "Size", type: "number", minimum: 0, maximum: 10, multipleOf: 0.1 },
        colour: {
          title: "Colour",
          oneOf: [
            { const: 0, title: "Red" },
            { const: 1, title: "Blue" },
          ],
        },
      },
      required: ["size", "colour"],
    },
    output: { kind: "number", title: "Price", unit: "€" },
    examples: [],
  },
  null,
  2,
)
