/** The lineage of a package or model: both ways from its artifact, and what each entity on the way is. */
import {
  DescribeActionCommand,
  DescribeArtifactCommand,
  DescribeContextCommand,
  DescribeTrialComponentCommand,
  ListArtifactsCommand,
  QueryLineageCommand,
  SageMakerClient,
  type Vertex,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { nameOf } from "@/parts/format"
import type { Edge, Entity, Lineage } from "./graph"

const sagemaker = () => aws(SageMakerClient)
const DEEP = 10
const AT_ONCE = 6

/** What comes from, and led to, the thing of that ARN; null: lineage knows nothing of it. */
export async function lineageOf(arn: string): Promise<Lineage | null> {
  const artifacts = await sagemaker().send(new ListArtifactsCommand({ SourceUri: arn, MaxResults: 1 }))
  const start = artifacts.ArtifactSummaries?.[0]?.ArtifactArn
  if (start === undefined) return null
  const vertices = new Map<string, Vertex>()
  const edges: Edge[] = []
  for (const Direction of ["Ascendants", "Descendants"] as const) {
    let NextToken: string | undefined
    do {
      const said = await sagemaker().send(
        new QueryLineageCommand({ StartArns: [start], Direction, IncludeEdges: true, MaxDepth: DEEP, NextToken }),
      )
      for (const one of said.Vertices ?? []) vertices.set(one.Arn ?? "", one)
      for (const one of said.Edges ?? [])
        edges.push({ source: one.SourceArn ?? "", target: one.DestinationArn ?? "", how: one.AssociationType ?? "" })
      NextToken = said.NextToken
    } while (NextToken)
  }
  const entities = await inTurn([...vertices.values()], entityOf)
  const found = entities.filter((one) => one !== null)
  const there = new Set(found.map((one) => one.arn))
  const once = new Map(edges.map((one) => [`${one.source} ${one.target} ${one.how}`, one]))
  return { entities: found, edges: [...once.values()].filter((one) => there.has(one.source) && there.has(one.target)) }
}

async function inTurn<A, B>(items: readonly A[], read: (item: A) => Promise<B>): Promise<B[]> {
  const found: B[] = []
  for (let at = 0; at < items.length; at += AT_ONCE)
    found.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(read))))
  return found
}

/** Null: it was deleted between the two looks. */
async function entityOf(vertex: Vertex): Promise<Entity | null> {
  try {
    return await described(vertex)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

async function described(vertex: Vertex): Promise<Entity> {
  const [arn, type, kind] = [vertex.Arn ?? "", vertex.Type ?? "", vertex.LineageType ?? ""]
  const plain = { arn, type, kind, source: "", state: "", status: "", properties: {} }
  if (kind === "Artifact") {
    const said = await sagemaker().send(new DescribeArtifactCommand({ ArtifactArn: arn }))
    const state = said.Source?.SourceTypes?.[0]
    return {
      ...plain,
      source: said.Source?.SourceUri ?? "",
      state: state?.Value ? `${state.SourceIdType === "S3ETag" ? "ETag " : ""}${state.Value}` : "",
      properties: said.Properties ?? {},
    }
  }
  if (kind === "Action") {
    const said = await sagemaker().send(new DescribeActionCommand({ ActionName: nameOf(arn) }))
    return {
      ...plain,
      source: said.Source?.SourceUri ?? "",
      status: said.Status ?? "",
      properties: said.Properties ?? {},
    }
  }
  if (kind === "Context") {
    const said = await sagemaker().send(new DescribeContextCommand({ ContextName: nameOf(arn) }))
    const properties = said.Properties ?? {}
    const status = properties.EndpointStatus ?? properties.PipelineExecutionStatus ?? ""
    return { ...plain, source: said.Source?.SourceUri ?? "", status, properties }
  }
  if (kind === "TrialComponent") {
    const said = await sagemaker().send(new DescribeTrialComponentCommand({ TrialComponentName: nameOf(arn) }))
    return { ...plain, source: said.Source?.SourceArn ?? "", status: said.Status?.PrimaryStatus ?? "" }
  }
  return plain
}
