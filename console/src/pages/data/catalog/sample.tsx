import type { Table } from "@aws-sdk/client-glue"
import { useQuery } from "@tanstack/react-query"
import { Empty } from "@/parts/empty"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Grid } from "../grid"
import { answerTo, isNumberType } from "../sql/athena"
import { tableName } from "../sql/text"

const ROWS = 20

/** The first rows, by a query of Athena: asked when the tab is opened, and anew when the table has changed. */
export function Sample({ database, table }: { database: string; table: Table }) {
  const name = table.Name ?? ""
  const sql = `SELECT * FROM ${tableName(database, name)} LIMIT ${ROWS}`
  const { data, error, refetch } = useQuery({
    queryKey: ["sample", database, name, table.VersionId],
    // One row more: the first one has the names.
    queryFn: () => answerTo({ sql, database }, ROWS + 1),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  if (error) return <Problem error={error} again={() => void refetch()} header="No sample could be read" />
  if (!data) return <Waiting what="Asking Athena" />
  if (data.rows.length === 0) return <Empty title="This table has no rows">The files may be still to come.</Empty>
  return (
    <Grid
      columns={data.columns.map((one) => ({ name: one.Name ?? "", type: one.Type, right: isNumberType(one.Type) }))}
      rows={data.rows}
      label={`Sample of ${name}`}
      from={1}
      tall
    />
  )
}
