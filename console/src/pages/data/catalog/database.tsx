/** One database: its tables. */
import { DeleteDatabaseCommand, GetDatabaseCommand, GlueClient, type Table } from "@aws-sdk/client-glue"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate, useParams } from "react-router"
import { aws } from "@/aws/client"
import { isMissing, useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Instant } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { queryPage, quotedName } from "../sql/text"
import { allTables, columnsOf, formatOf } from "./glue"

export function Database() {
  const { database = "" } = useParams()
  usePage([
    { text: "Catalog", href: "/data/catalog" },
    { text: database, href: "" },
  ])
  const [asking, setAsking] = useState(false)
  const follow = useFollow()
  const navigate = useNavigate()
  const drop = useAct(
    () => aws(GlueClient).send(new DeleteDatabaseCommand({ Name: database })),
    `The database ${database} is deleted.`,
  )
  // What is being deleted is not asked for any more.
  const enabled = drop.isIdle || drop.isError
  const about = useLive(
    ["glue", "database", database],
    () => aws(GlueClient).send(new GetDatabaseCommand({ Name: database })),
    { every: false, enabled },
  )
  const { data, error, refetch } = useLive(["glue", "tables", database], () => allTables(database), { enabled })
  if (isMissing(about.error)) return <Nowhere what={`The database ${database}`} />
  const template = queryPage(createTable(database), database)
  const columns: Column<Table>[] = [
    {
      id: "name",
      header: "Table",
      cell: (one) => <To to={`/data/catalog/${database}/${one.Name ?? ""}`}>{one.Name}</To>,
      text: (one) => one.Name,
      sortingField: "Name",
      isRowHeader: true,
    },
    { id: "format", header: "Format", cell: formatOf, text: formatOf, sortingField: "Format" },
    {
      id: "columns",
      header: "Columns",
      cell: (one) => count(columnsOf(one).length),
      text: (one) => columnsOf(one).length,
      sortingField: "Columns",
    },
    {
      id: "keys",
      header: "Partitioned by",
      cell: (one) => (one.PartitionKeys ?? []).map((key) => key.Name).join(", ") || "–",
    },
    {
      id: "location",
      header: "Location",
      cell: (one) => <S3 uri={one.StorageDescriptor?.Location || undefined} />,
      text: (one) => one.StorageDescriptor?.Location,
    },
    {
      id: "updated",
      header: "Updated",
      cell: (one) => <Instant when={one.UpdateTime ?? one.CreateTime} />,
      text: (one) => one.UpdateTime ?? one.CreateTime,
      sortingField: "UpdateTime",
    },
  ]
  return (
    <>
      <ResourceTable
        title={database}
        headingLevel="h1"
        description={about.data?.Database?.Description}
        rows={data}
        error={error}
        again={() => void refetch()}
        columns={columns}
        id={(one) => one.Name ?? ""}
        sorted={{ id: "name" }}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setAsking(true)}>Delete</Button>
            <Button href={consoleHref(template)} onFollow={follow}>
              Create table
            </Button>
            <Button variant="primary" href={consoleHref(`/data/sql?database=${database}`)} onFollow={follow}>
              Query
            </Button>
          </SpaceBetween>
        }
        empty={
          <Empty
            title="No tables yet"
            action={
              <Button href={consoleHref(template)} onFollow={follow}>
                Write CREATE EXTERNAL TABLE
              </Button>
            }
          >
            A table is made by SQL, or by a crawler that looks at the files.
          </Empty>
        }
      />
      {asking && (
        <Confirm
          title={`Delete the database ${database}?`}
          verb="Delete"
          typed={database}
          busy={drop.isPending}
          error={drop.error}
          onNo={() => setAsking(false)}
          onYes={() => drop.mutate(undefined, { onSuccess: () => navigate("/data/catalog") })}
        >
          {data?.length ? `Its ${count(data.length)} tables go with it. ` : ""}The files in S3 stay.
        </Confirm>
      )}
    </>
  )
}

/** What people change into their own. */
const createTable = (database: string): string =>
  `CREATE EXTERNAL TABLE ${quotedName(database)}.my_table (
  id bigint,
  name string,
  price double
)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
LOCATION 's3://BUCKET/FOLDER/'
TBLPROPERTIES ('skip.header.line.count' = '1')`
