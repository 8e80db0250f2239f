/** What the pages of all jobs show alike: parameters, what goes in and out, tags, and the document itself. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import type { ReactNode } from "react"
import { inWords } from "@/aws/live"
import { Copy, Json } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { nameOf } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { To } from "@/shell/link"
import { useTags } from "./reads"

type Pair = { name: string; value: string }

const PAIRS: Column<Pair>[] = [
  { id: "name", header: "Name", cell: (one) => one.name, text: (one) => one.name, isRowHeader: true, width: "35%" },
  {
    id: "value",
    header: "Value",
    cell: (one) =>
      one.value.startsWith("s3://") ? <S3 uri={one.value} /> : <span className="clary-break">{one.value}</span>,
    text: (one) => one.value,
  },
]

export function Pairs({ title, of, none }: { title: string; of: Record<string, string> | undefined; none: string }) {
  const rows = Object.entries(of ?? {}).map(([name, value]) => ({ name, value }))
  return (
    <ResourceTable
      title={title}
      rows={rows}
      columns={PAIRS}
      id={(one) => one.name}
      param={title.toLowerCase().replaceAll(" ", "-")}
      noFilter={rows.length < 10}
      empty={<Empty title={none} />}
    />
  )
}

/** One thing that goes in or comes out. */
export type Place = { name: string; uri: string | undefined; local?: string; how?: string }

const PLACES: Column<Place>[] = [
  { id: "name", header: "Name", cell: (one) => one.name, text: (one) => one.name, isRowHeader: true },
  { id: "uri", header: "In S3", cell: (one) => <S3 uri={one.uri} />, text: (one) => one.uri },
  { id: "local", header: "In the job", cell: (one) => one.local ?? "–", text: (one) => one.local },
  { id: "how", header: "How", cell: (one) => one.how ?? "–", text: (one) => one.how },
]

export function Places({ title, rows, none }: { title: string; rows: Place[]; none: string }) {
  return (
    <ResourceTable
      title={title}
      rows={rows}
      columns={PLACES}
      id={(one) => one.name}
      noFilter
      empty={<Empty title={none} />}
    />
  )
}

const EXECUTION = "sagemaker:pipeline-execution-arn"

/** arn:...:pipeline/<name>/execution/<id> as a link to that run. */
export function executionPath(arn: string | undefined): { path: string; text: string } | null {
  const found = /:pipeline\/([^/]+)\/execution\/([^/]+)$/.exec(arn ?? "")
  return found ? { path: `/pipelines/${found[1]}/executions/${found[2]}`, text: `${found[1]} · ${found[2]}` } : null
}

/** The pipeline's run that a job belongs to, by its tag. */
export function Execution({ arn }: { arn: string | undefined }) {
  const tags = useTags(arn)
  const found = executionPath(tags.data?.find((one) => one.key === EXECUTION)?.value)
  if (!found) return <>–</>
  return (
    <span className="clary-break">
      <To to={found.path}>{found.text}</To>
    </span>
  )
}

export function TagList({ arn }: { arn: string | undefined }) {
  const tags = useTags(arn)
  const rows = tags.data?.map((one) => ({ name: one.key, value: one.value }))
  return (
    <ResourceTable
      title="Tags"
      rows={rows ?? (tags.error ? [] : undefined)}
      columns={PAIRS}
      id={(one) => one.name}
      noFilter
      empty={<Empty title={tags.error ? inWords(tags.error) : "No tags"} />}
    />
  )
}

export function Role({ arn }: { arn: string | undefined }) {
  if (!arn) return <>–</>
  return <To to={`/operate/users/roles/${nameOf(arn)}`}>{nameOf(arn)}</To>
}

type Known = [string, ReactNode][]

/** What a job is: short facts in four columns, those with long words below them in two. */
export function Overview({ facts, long }: { facts: Known; long: Known }) {
  return (
    <Container header={<Header>Overview</Header>}>
      <SpaceBetween size="l">
        <Facts facts={facts} />
        <Facts facts={long} columns={2} />
      </SpaceBetween>
    </Container>
  )
}

export const Whole = ({ text }: { text: string | undefined }) => <span className="clary-break">{text ?? "–"}</span>

export const Arn = ({ arn }: { arn: string | undefined }) =>
  arn ? <Copy text={arn} shown={arn} label="Copy ARN" /> : <>–</>

/** What AWS answers about the job, without what belongs to the request for it. */
export function Documents({ arn, document }: { arn: string | undefined; document: object }) {
  const { $metadata: _, ...shown } = document as { $metadata?: unknown }
  return (
    <SpaceBetween size="l">
      <TagList arn={arn} />
      <Container header={<Header description="As AWS's Describe answers it">Document</Header>}>
        <Json value={shown} />
      </Container>
    </SpaceBetween>
  )
}
