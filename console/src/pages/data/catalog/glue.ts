/** The catalog as the pages ask it. */
import {
  type Column,
  type Database,
  GetDatabasesCommand,
  GetPartitionsCommand,
  GetTableCommand,
  GetTablesCommand,
  GlueClient,
  type Partition,
  type Table,
} from "@aws-sdk/client-glue"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"

export const allDatabases = (): Promise<Database[]> =>
  all(
    (token) => aws(GlueClient).send(new GetDatabasesCommand({ NextToken: token, MaxResults: 100 })),
    (page) => page.DatabaseList,
    (page) => page.NextToken,
    5_000,
  )

export const allTables = (database: string): Promise<Table[]> =>
  all(
    (token) =>
      aws(GlueClient).send(new GetTablesCommand({ DatabaseName: database, NextToken: token, MaxResults: 100 })),
    (page) => page.TableList,
    (page) => page.NextToken,
    5_000,
  )

export async function tableOf(database: string, name: string): Promise<Table> {
  const { Table } = await aws(GlueClient).send(new GetTableCommand({ DatabaseName: database, Name: name }))
  if (!Table) throw new Error(`There is no table ${database}.${name}`)
  return Table
}

export const PARTITIONS_MOST = 1_000

/** Partitions that the expression lets through ("year = '2024'"); the first many. */
export const partitionsOf = (database: string, table: string, expression: string): Promise<Partition[]> =>
  all(
    (token) =>
      aws(GlueClient).send(
        new GetPartitionsCommand({
          DatabaseName: database,
          TableName: table,
          NextToken: token,
          ...(expression ? { Expression: expression } : {}),
        }),
      ),
    (page) => page.Partitions,
    (page) => page.NextToken,
    PARTITIONS_MOST,
  )

export type ColumnRow = Column & { isKey: boolean; place: number }

/** All columns in their order, those of the partitions last, as in SELECT *. */
export const columnsOf = (table: Table): ColumnRow[] => [
  ...(table.StorageDescriptor?.Columns ?? []).map((one, place) => ({ ...one, isKey: false, place: place + 1 })),
  ...(table.PartitionKeys ?? []).map((one, place) => ({
    ...one,
    isKey: true,
    place: (table.StorageDescriptor?.Columns?.length ?? 0) + place + 1,
  })),
]

/** What the files of a table are, as people call it. */
export function formatOf(table: Table): string {
  const parameters = table.Parameters ?? {}
  if (parameters.table_type?.toUpperCase() === "ICEBERG") return "Iceberg"
  if (table.TableType === "VIRTUAL_VIEW") return "View"
  const said = parameters.classification ?? table.StorageDescriptor?.Parameters?.classification
  const names: Record<string, string> = { csv: "CSV", json: "JSON", parquet: "Parquet", orc: "ORC", avro: "Avro" }
  if (said) return names[said.toLowerCase()] ?? said
  const serde = table.StorageDescriptor?.SerdeInfo?.SerializationLibrary ?? ""
  const found = [
    [/parquet/i, "Parquet"],
    [/opencsv/i, "CSV"],
    [/lazysimple/i, "Text"],
    [/json/i, "JSON"],
    [/orc/i, "ORC"],
    [/avro/i, "Avro"],
  ].find(([pattern]) => (pattern as RegExp).test(serde))
  return found ? String(found[1]) : "–"
}

export const isView = (table: Table): boolean => table.TableType === "VIRTUAL_VIEW"
