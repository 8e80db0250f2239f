/** What lineage says of how versions were made: hyperparameters, seed, digests of data, code and environment. */
import {
  DescribeArtifactCommand,
  ListArtifactsCommand,
  QueryLineageCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { useQueries } from "@tanstack/react-query"
import { aws } from "@/aws/client"
import type { Version } from "./packages"

export type Made = Record<string, string>
export type MadeRow = { key: string; name: string; values: (string | undefined)[]; differs: boolean }

const TITLES: Record<string, string> = {
  DataHash: "Data",
  CodeHash: "Code",
  EnvironmentHash: "Image and requirements",
  Seed: "Seed",
}

/** The properties of the model data that the package was made of; {} where lineage knows nothing of it. */
export async function madeOf(packageArn: string): Promise<Made> {
  const sagemaker = aws(SageMakerClient)
  const artifacts = await sagemaker.send(new ListArtifactsCommand({ SourceUri: packageArn, MaxResults: 1 }))
  const start = artifacts.ArtifactSummaries?.[0]?.ArtifactArn
  if (start === undefined) return {}
  const said = await sagemaker.send(
    new QueryLineageCommand({
      StartArns: [start],
      Direction: "Ascendants",
      IncludeEdges: false,
      Filters: { LineageTypes: ["Artifact"], Types: ["Model"] },
      MaxDepth: 1,
    }),
  )
  const models = await Promise.all(
    (said.Vertices ?? []).map((one) => sagemaker.send(new DescribeArtifactCommand({ ArtifactArn: one.Arn }))),
  )
  return Object.assign({}, ...models.map((one) => one.Properties ?? {})) as Made
}

export function useMade(versions: readonly Version[]): { made: (Made | undefined)[]; error: unknown } {
  const found = useQueries({
    queries: versions.map((one) => ({
      queryKey: ["made", one.ModelPackageArn],
      queryFn: () => madeOf(one.ModelPackageArn),
      staleTime: Number.POSITIVE_INFINITY,
    })),
  })
  return { made: found.map((one) => one.data), error: found.find((one) => one.error)?.error }
}

/** What tells how the models were made, the differing first. Metrics stand elsewhere. */
export function madeRows(made: readonly (Made | undefined)[]): MadeRow[] {
  const keys = [...new Set(made.flatMap((one) => Object.keys(one ?? {})))].filter(
    (key) => key in TITLES || key.startsWith("Parameter."),
  )
  return keys
    .map((key): MadeRow => {
      const values = made.map((one) => one?.[key])
      return {
        key,
        name: TITLES[key] ?? key.replace(/^Parameter\./, ""),
        values: values.map((one) => one?.replace(/^sha256:/, "").slice(0, key.endsWith("Hash") ? 12 : undefined)),
        differs: new Set(values).size > 1,
      }
    })
    .sort((a, b) => Number(b.differs) - Number(a.differs))
}
