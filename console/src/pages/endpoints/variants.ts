/** A variant as its row shows it: what is true (DescribeEndpoint) beside what was asked (its configuration). */
import type {
  DescribeEndpointConfigOutput,
  DescribeEndpointOutput,
  ProductionVariant,
  ProductionVariantSummary,
} from "@aws-sdk/client-sagemaker"

export type Variant = {
  name: string
  shadow: boolean
  model: string | undefined
  instance: string
  instances: { now: number | undefined; wanted: number | undefined }
  weight: { now: number | undefined; wanted: number | undefined }
  /** Part of the traffic, of all production variants. */
  share: number | undefined
  serves: "compiled" | "containers" | undefined
  /** The graph's digest, or the images that were asked for. */
  images: string[]
  serverless: boolean
  stage: { status: string; message: string; since: Date | undefined } | undefined
}

export function variantsOf(
  endpoint: Pick<DescribeEndpointOutput, "ProductionVariants" | "ShadowProductionVariants">,
  config?: Pick<DescribeEndpointConfigOutput, "ProductionVariants" | "ShadowProductionVariants">,
): Variant[] {
  // An endpoint that never came up has none: then it is what was asked for.
  const production = endpoint.ProductionVariants ?? config?.ProductionVariants?.map(asAsked) ?? []
  const all = production.reduce((sum, one) => sum + (one.CurrentWeight ?? 0), 0)
  return [
    ...production.map((one) => variant(one, configured(one, config?.ProductionVariants), false, all)),
    ...(endpoint.ShadowProductionVariants ?? []).map((one) =>
      variant(one, configured(one, config?.ShadowProductionVariants), true, 0),
    ),
  ]
}

const asAsked = (one: ProductionVariant): ProductionVariantSummary => ({
  VariantName: one.VariantName,
  DesiredInstanceCount: one.InitialInstanceCount,
  DesiredWeight: one.InitialVariantWeight ?? 1,
})

const configured = (one: ProductionVariantSummary, all: readonly ProductionVariant[] | undefined) =>
  all?.find(({ VariantName }) => VariantName === one.VariantName)

function variant(
  one: ProductionVariantSummary,
  asked: ProductionVariant | undefined,
  shadow: boolean,
  all: number,
): Variant {
  const images = one.DeployedImages ?? []
  const graph = images.find((image) => image.ResolvedImage?.startsWith("clary/compiled@"))?.ResolvedImage
  const serverless = one.CurrentServerlessConfig ?? one.DesiredServerlessConfig ?? asked?.ServerlessConfig
  const told = one.VariantStatus?.at(-1)
  return {
    name: one.VariantName ?? "",
    shadow,
    model: asked?.ModelName,
    instance: serverless ? `Serverless, ${serverless.MemorySizeInMB} MB` : (asked?.InstanceType ?? ""),
    instances: { now: one.CurrentInstanceCount, wanted: one.DesiredInstanceCount },
    weight: { now: one.CurrentWeight, wanted: one.DesiredWeight },
    share: shadow || one.CurrentWeight === undefined || all === 0 ? undefined : one.CurrentWeight / all,
    serves: images.length === 0 ? undefined : graph ? "compiled" : "containers",
    images: graph ? [graph] : images.flatMap((image) => image.SpecifiedImage ?? []),
    serverless: serverless !== undefined,
    stage: told && { status: told.Status ?? "", message: told.StatusMessage ?? "", since: told.StartTime },
  }
}

/** Group and version of a package's ARN, as the path of the console's page. */
export function versionPage(arn: string | undefined): { to: string; text: string } | undefined {
  const [, group, version] = /:model-package\/([^/]+)\/(\d+)$/.exec(arn ?? "") ?? []
  return group && version ? { to: `/models/${group}/${version}`, text: `${group} version ${version}` } : undefined
}
