/** Reads the metrics files of versions from S3. A file is named by its digest and never changes, so it is read once. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import type { MetricsSource, ModelMetrics } from "@aws-sdk/client-sagemaker"
import { useQueries, useQuery } from "@tanstack/react-query"
import { aws } from "@/aws/client"
import { parseS3 } from "@/parts/s3"
import { type Measure, measures } from "./metrics"
import type { Version } from "./packages"

export async function documentAt(uri: string): Promise<unknown> {
  const place = parseS3(uri)
  if (!place) throw new Error(`${uri} is no place in S3`)
  const said = await aws(S3Client).send(new GetObjectCommand({ Bucket: place.bucket, Key: place.key }))
  const text = (await said.Body?.transformToString()) ?? ""
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${uri} is not JSON`)
  }
}

const query = (source: MetricsSource | undefined) => ({
  queryKey: ["metrics", source?.S3Uri, source?.ContentDigest],
  queryFn: () => documentAt(source?.S3Uri ?? ""),
  enabled: source?.S3Uri !== undefined,
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
})

export const useDocument = (source: MetricsSource | undefined) => useQuery(query(source))

export type Measured = { measures: Measure[]; error: unknown; waiting: boolean }

/** What was measured of each version's quality, in the order of the versions. */
export function useMeasured(versions: readonly Version[]): Measured[] {
  const found = useQueries({ queries: versions.map((one) => query(one.ModelMetrics?.ModelQuality?.Statistics)) })
  return found.map((one) => ({
    measures: one.data === undefined ? [] : measures(one.data),
    error: one.error,
    waiting: one.isLoading,
  }))
}

/** Every metrics file that a version names, with what it is about. */
export function sourcesOf(metrics: ModelMetrics | undefined): { about: string; source: MetricsSource }[] {
  const { ModelQuality, ModelDataQuality, Bias, Explainability } = metrics ?? {}
  const found: [string, MetricsSource | undefined][] = [
    ["Quality", ModelQuality?.Statistics],
    ["Constraints of quality", ModelQuality?.Constraints],
    ["Data quality", ModelDataQuality?.Statistics],
    ["Constraints of data quality", ModelDataQuality?.Constraints],
    ["Bias", Bias?.Report],
    ["Bias before training", Bias?.PreTrainingReport],
    ["Bias after training", Bias?.PostTrainingReport],
    ["Explainability", Explainability?.Report],
  ]
  return found.flatMap(([about, source]) => (source?.S3Uri ? [{ about, source }] : []))
}
