/** One table: what it is, its columns, partitions, snapshots, and a sample of its rows. */
import { DeleteTableCommand, GlueClient, type Table } from "@aws-sdk/client-glue"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { useNavigate, useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing, useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { consoleHref, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { queryPage, tableName } from "../sql/text"
import { type ColumnRow, columnsOf, formatOf, isView, tableOf } from "./glue"
import { metadataLocation } from "./iceberg"
import { Partitions } from "./partitions"
import { Sample } from "./sample"
import { Snapshots } from "./snapshots"
import { viewText } from "./views"

export function TablePage() {
  const { database = "", table = "" } = useParams()
  usePage([
    { text: "Catalog", href: "/data/catalog" },
    { text: database, href: `/data/catalog/${database}` },
    { text: table, href: "" },
  ])
  const follow = useFollow()
  const navigate = useNavigate()
  const [asking, setAsking] = useState(false)
  const drop = useAct(
    () => aws(GlueClient).send(new DeleteTableCommand({ DatabaseName: database, Name: table })),
    `The table ${database}.${table} is deleted.`,
  )
  // What is being deleted is not asked for any more.
  const { data, error, refetch } = useLive(["glue", "table", database, table], () => tableOf(database, table), {
    enabled: drop.isIdle || drop.isError,
  })
  if (isMissing(error)) return <Nowhere what={`The table ${database}.${table}`} />
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  if (!data) return <Waiting what="Reading the table" />
  const query = queryPage(`SELECT *\nFROM ${tableName(database, table)}\nLIMIT 100`, database)
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={data.Description}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setAsking(true)}>Delete</Button>
            <Button variant="primary" href={consoleHref(query)} onFollow={follow}>
              Query it
            </Button>
          </SpaceBetween>
        }
      >
        {table}
      </Header>
      <Container header={<Header variant="h2">Table</Header>}>
        <Facts
          facts={[
            ["Format", formatOf(data)],
            ["Location", <S3 key="l" uri={data.StorageDescriptor?.Location || undefined} />],
            ["Created", <Instant key="c" when={data.CreateTime} />],
            ["Updated", <Instant key="u" when={data.UpdateTime} />],
            ["Type", data.TableType],
            ["Version", data.VersionId],
            ["Owner", data.Owner],
            ["Partitioned by", (data.PartitionKeys ?? []).map((one) => one.Name).join(", ")],
          ]}
        />
      </Container>
      <Parts database={database} table={data} />
      {asking && (
        <Confirm
          title={`Delete the table ${table}?`}
          verb="Delete"
          busy={drop.isPending}
          error={drop.error}
          onNo={() => setAsking(false)}
          onYes={() => drop.mutate(undefined, { onSuccess: () => navigate(`/data/catalog/${database}`) })}
        >
          The catalog forgets it and its partitions. The files in S3 stay.
        </Confirm>
      )}
    </SpaceBetween>
  )
}

function Parts({ database, table }: { database: string; table: Table }) {
  const [query, setQuery] = useSearchParams()
  const name = table.Name ?? ""
  const metadata = metadataLocation(table)
  const text = viewText(table)
  const tabs = [
    { id: "columns", label: `Columns (${count(columnsOf(table).length)})`, content: <Columns table={table} /> },
    { id: "sample", label: "Sample", content: <Sample database={database} table={table} /> },
    ...(table.PartitionKeys?.length
      ? [{ id: "partitions", label: "Partitions", content: <Partitions database={database} table={table} /> }]
      : []),
    ...(metadata ? [{ id: "snapshots", label: "Snapshots", content: <Snapshots location={metadata} /> }] : []),
    ...(isView(table) && text ? [{ id: "view", label: "Definition", content: <Code text={text} label="SQL" /> }] : []),
    { id: "parameters", label: "Parameters", content: <Parameters table={table} key={name} /> },
  ]
  const wanted = query.get("tab")
  return (
    <Tabs
      ariaLabel="Table"
      activeTabId={tabs.some((one) => one.id === wanted) ? (wanted ?? "columns") : "columns"}
      onChange={({ detail }) => setQuery({ tab: detail.activeTabId }, { replace: true })}
      tabs={tabs}
    />
  )
}

const COLUMNS: Column<ColumnRow>[] = [
  { id: "place", header: "#", cell: (one) => one.place, text: (one) => one.place, sortingField: "place" },
  {
    id: "name",
    header: "Column",
    cell: (one) => one.Name,
    text: (one) => one.Name,
    sortingField: "Name",
    isRowHeader: true,
  },
  {
    id: "type",
    header: "Type",
    cell: (one) => <span className="clary-break">{one.Type ?? "–"}</span>,
    text: (one) => one.Type,
    sortingField: "Type",
  },
  { id: "key", header: "Partition key", cell: (one) => (one.isKey ? "yes" : "–") },
  { id: "comment", header: "Comment", cell: (one) => one.Comment || "–", text: (one) => one.Comment },
]

const Columns = ({ table }: { table: Table }) => (
  <ResourceTable
    title="Columns"
    rows={columnsOf(table)}
    columns={COLUMNS}
    id={(one) => `${one.place} ${one.Name ?? ""}`}
    pageSize={100}
    sorted={{ id: "place" }}
    empty={<Empty title="This table names no columns" />}
  />
)

type Pair = { name: string; value: string; of: string }

function Parameters({ table }: { table: Table }) {
  const serde = table.StorageDescriptor?.SerdeInfo
  const pairs = (of: string, found: Record<string, string> | undefined): Pair[] =>
    Object.entries(found ?? {}).map(([name, value]) => ({ name, value, of }))
  const rows = [
    ...pairs("table", table.Parameters),
    ...(serde?.SerializationLibrary ? [{ name: "library", value: serde.SerializationLibrary, of: "SerDe" }] : []),
    ...pairs("SerDe", serde?.Parameters),
    ...pairs("storage", table.StorageDescriptor?.Parameters),
  ]
  return (
    <ResourceTable
      title="Parameters"
      param="parameter"
      rows={rows}
      columns={[
        { id: "name", header: "Name", cell: (one) => one.name, text: (one) => one.name, isRowHeader: true },
        {
          id: "value",
          header: "Value",
          cell: (one) => <span className="clary-break">{one.value}</span>,
          text: (one) => one.value,
        },
        { id: "of", header: "Of the", cell: (one) => one.of, text: (one) => one.of },
      ]}
      id={(one) => `${one.of} ${one.name}`}
      pageSize={100}
      empty={<Empty title="No parameters" />}
    />
  )
}
