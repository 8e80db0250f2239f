/** What examples made is told by its tag: nothing is kept in the browser, so any tab sees the same. */
import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { type Arn, parseArn, TAG } from "./names"

/** Everything of one example that has its tag. */
export async function tagged(example: string): Promise<Arn[]> {
  return (await mappings([example])).map((one) => parseArn(one.ResourceARN ?? ""))
}

/** The examples of which there is something. */
export async function startedExamples(): Promise<Set<string>> {
  const tags = (await mappings()).flatMap((one) => one.Tags ?? [])
  return new Set(tags.flatMap((one) => (one.Key === TAG && one.Value ? [one.Value] : [])))
}

const mappings = (Values?: string[]) =>
  all(
    (PaginationToken) =>
      aws(ResourceGroupsTaggingAPIClient).send(
        new GetResourcesCommand({ TagFilters: [{ Key: TAG, ...(Values ? { Values } : {}) }], PaginationToken }),
      ),
    (page) => page.ResourceTagMappingList,
    (page) => page.PaginationToken,
  )
