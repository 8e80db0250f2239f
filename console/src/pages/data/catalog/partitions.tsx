import type { Partition, Table } from "@aws-sdk/client-glue"
import Box from "@cloudscape-design/components/box"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { inWords, SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Instant } from "@/parts/time"
import { PARTITIONS_MOST, partitionsOf } from "./glue"

/** Partitions, found by an expression over the keys, as Glue understands it. */
export function Partitions({ database, table }: { database: string; table: Table }) {
  const [typed, setTyped] = useState("")
  const [expression, setExpression] = useState("")
  const { data, error } = useLive(
    ["glue", "partitions", database, table.Name, expression],
    () => partitionsOf(database, table.Name ?? "", expression),
    { every: SLOW_MS, keep: false },
  )
  const keys = table.PartitionKeys ?? []
  const columns: Column<Partition>[] = [
    ...keys.map((key, at) => ({
      id: `key${at}`,
      header: key.Name ?? "",
      cell: (one: Partition) => one.Values?.[at] ?? "–",
      text: (one: Partition) => one.Values?.[at],
      sortingField: `Values.${at}`,
      isRowHeader: at === 0,
    })),
    {
      id: "location",
      header: "Location",
      cell: (one) => <S3 uri={one.StorageDescriptor?.Location} />,
      text: (one) => one.StorageDescriptor?.Location,
    },
    { id: "created", header: "Created", cell: (one) => <Instant when={one.CreationTime} /> },
  ]
  const first = keys[0]?.Name ?? "key"
  return (
    <SpaceBetween size="m">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setExpression(typed.trim())
        }}
      >
        <FormField
          label="Expression"
          description={`SQL over the keys, for example: ${first} = '${data?.[0]?.Values?.[0] ?? "2024"}'. Enter asks the catalog.`}
          errorText={error ? inWords(error) : ""}
        >
          <Input
            value={typed}
            placeholder="All partitions"
            spellcheck={false}
            onChange={({ detail }) => {
              setTyped(detail.value)
              if (detail.value === "") setExpression("")
            }}
          />
        </FormField>
      </form>
      <ResourceTable
        title="Partitions"
        param="partition"
        rows={error ? [] : data}
        columns={columns}
        id={(one) => (one.Values ?? []).join("/")}
        empty={
          <Empty title={expression ? "No partition matches" : "No partitions yet"}>
            {expression ? "Ask for others." : "MSCK REPAIR TABLE or a crawler finds those that lie in S3."}
          </Empty>
        }
      />
      {data && data.length >= PARTITIONS_MOST && (
        <Box color="text-body-secondary">The first {count(data.length)}. An expression finds the others.</Box>
      )}
    </SpaceBetween>
  )
}
