/** Which endpoints serve which models and versions now: by way of their configurations and models. */
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  type EndpointSummary,
  ListEndpointsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { FAST_MS, isMissing, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { moving } from "@/parts/status"
import { tagsOf } from "./packages"
import { remembering } from "./remembered"

export type ServedVariant = { name: string; model: string; package: string | undefined; weight: number | undefined }
export type Serving = { endpoint: string; status: string; config: string; variants: ServedVariant[] }

const sagemaker = () => aws(SageMakerClient)
const remembered = remembering<Serving>()

export async function servingNow(): Promise<Serving[]> {
  const endpoints = await all(
    (NextToken) => sagemaker().send(new ListEndpointsCommand({ MaxResults: 100, NextToken })),
    (page) => page.Endpoints,
    (page) => page.NextToken,
  )
  const found = await Promise.all(endpoints.map(seen))
  return found.filter((one) => one !== undefined)
}

/** What was found of an endpoint holds until the endpoint changes. */
function seen(one: EndpointSummary): Promise<Serving | undefined> {
  const key = `${one.EndpointArn} ${one.CreationTime?.getTime()} ${one.LastModifiedTime?.getTime()} ${one.EndpointStatus}`
  return remembered(key, () => served(one.EndpointName ?? "", one.EndpointStatus ?? ""))
}

async function served(endpoint: string, status: string): Promise<Serving> {
  const said = await sagemaker().send(new DescribeEndpointCommand({ EndpointName: endpoint }))
  const config = said.EndpointConfigName ?? ""
  const weights = new Map((said.ProductionVariants ?? []).map((one) => [one.VariantName, one.CurrentWeight]))
  const variants = await variantsOf(config)
  if (variants)
    return { endpoint, status, config, variants: variants.map((one) => ({ ...one, weight: weights.get(one.name) })) }
  // An endpoint serves on when its configuration is gone; then its tag still tells the version.
  const tagged = (await tagsOf(said.EndpointArn ?? ""))["clary:model-package"]
  return {
    endpoint,
    status,
    config,
    variants: [...weights].map(([name, weight]) => ({ name: name ?? "", model: "", package: tagged, weight })),
  }
}

/** The configuration's variants with the package that each model was made of; undefined: the configuration is gone. */
export async function variantsOf(config: string): Promise<ServedVariant[] | undefined> {
  try {
    const said = await sagemaker().send(new DescribeEndpointConfigCommand({ EndpointConfigName: config }))
    return await Promise.all(
      (said.ProductionVariants ?? []).map(async (one) => ({
        name: one.VariantName ?? "",
        model: one.ModelName ?? "",
        package: await packageOf(one.ModelName ?? ""),
        weight: one.InitialVariantWeight,
      })),
    )
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The ARN of the package of which the model was made; undefined: of none, or the model is gone. */
export async function packageOf(model: string): Promise<string | undefined> {
  try {
    const said = await sagemaker().send(new DescribeModelCommand({ ModelName: model }))
    return [said.PrimaryContainer, ...(said.Containers ?? [])].find((one) => one?.ModelPackageName)?.ModelPackageName
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export const useServing = () =>
  useLive(["models", "serving"], servingNow, {
    every: (seen) => (seen?.some((one) => moving(one.status)) ? FAST_MS : SLOW_MS),
  })

/** The endpoints that serve the package. A model may name it by its ARN or by group and version. */
export const servesPackage = (serving: readonly Serving[], arn: string): Serving[] =>
  serving.filter((one) =>
    one.variants.some((variant) => variant.package !== undefined && sameArn(variant.package, arn)),
  )

const sameArn = (said: string, arn: string): boolean => said === arn || arn.endsWith(`:model-package/${said}`)
