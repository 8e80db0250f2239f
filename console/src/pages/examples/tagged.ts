/** What examples made is told by its tag: nothing is kept in the browser, so any tab sees the same. */
import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { type Arn, isOf, parseArn, TAG } from "./names"

/** What a deployment says of its endpoint, configuration and model: the version that they serve. */
const DEPLOYED = "clary:model-package"

/** Everything of one example: what has its tag, and what was deployed of its versions. */
export async function tagged(example: string): Promise<Arn[]> {
  const own = (await mappings({ Key: TAG, Values: [example] })).map((one) => parseArn(one.ResourceARN ?? ""))
  const groups = own.filter((one) => one.kind === "model-package-group")
  if (!groups.length) return own
  const deployed = await mappings({ Key: DEPLOYED })
  const more = deployed
    .filter((one) => one.Tags?.some((tag) => tag.Key === DEPLOYED && groups.some((group) => isOf(tag.Value, group))))
    .map((one) => parseArn(one.ResourceARN ?? ""))
  return [...own, ...more.filter((one) => own.every((known) => known.arn !== one.arn))]
}

/** The examples of which there is something. */
export async function startedExamples(): Promise<Set<string>> {
  const tags = (await mappings({ Key: TAG })).flatMap((one) => one.Tags ?? [])
  return new Set(tags.flatMap((one) => (one.Key === TAG && one.Value ? [one.Value] : [])))
}

const mappings = (filter: { Key: string; Values?: string[] }) =>
  all(
    (PaginationToken) =>
      aws(ResourceGroupsTaggingAPIClient).send(new GetResourcesCommand({ TagFilters: [filter], PaginationToken })),
    (page) => page.ResourceTagMappingList,
    (page) => page.PaginationToken,
  )
