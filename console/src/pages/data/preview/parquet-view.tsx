import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { bytes, count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Grid } from "../grid"
import { type Footer, footerOf, isNumberType, rowsOf, UNASKED_BYTES } from "./parquet"
import type { Looked } from "./preview"

const SHOWN = 50
const ONCE = Number.POSITIVE_INFINITY

export function ParquetView({ at, size, etag }: Looked) {
  const key = ["s3", at.bucket, "parquet", at.key, at.version, etag]
  const { data, error } = useQuery({ queryKey: key, queryFn: () => footerOf(at, size), staleTime: ONCE })
  if (error) return <Problem error={error} header="This Parquet file could not be read" />
  if (!data) return <Waiting what="Reading the schema" />
  const groups = `${count(data.groups)} row ${data.groups === 1 ? "group" : "groups"}`
  return (
    <SpaceBetween size="xs">
      <Box color="text-body-secondary">
        {count(data.rows)} rows in {groups}, {data.codecs.join(", ") || "no codec"}
        {data.by ? `, written by ${data.by}` : ""}
      </Box>
      <Tabs
        ariaLabel="Parquet"
        tabs={[
          { id: "rows", label: "First rows", content: <Rows footer={data} name={key} /> },
          {
            id: "schema",
            label: `Schema (${count(data.columns.filter((one) => one.depth === 0).length)})`,
            content: (
              <Grid
                columns={[{ name: "Column" }, { name: "Type" }, { name: "May be null" }]}
                rows={data.columns.map((one) => [
                  `${"  ".repeat(one.depth)}${one.name}`,
                  one.type,
                  one.nullable ? "yes" : "no",
                ])}
                label="Schema"
              />
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}

function Rows({ footer, name }: { footer: Footer; name: unknown[] }) {
  const [asked, setAsked] = useState(footer.firstGroup <= UNASKED_BYTES)
  const { data, error } = useQuery({
    queryKey: [...name, "rows"],
    queryFn: () => rowsOf(footer, SHOWN),
    enabled: asked,
    staleTime: ONCE,
  })
  if (error) return <Problem error={error} header="The rows could not be read" />
  if (!asked) {
    return (
      <SpaceBetween size="xs">
        <Box>To show the first rows, up to {bytes(footer.firstGroup)} must be read.</Box>
        <Button onClick={() => setAsked(true)}>Read them</Button>
      </SpaceBetween>
    )
  }
  if (!data) return <Waiting what="Reading the first rows" />
  const columns = footer.columns.filter((one) => one.depth === 0)
  return (
    <Grid
      columns={columns.map((one) => ({ name: one.name, type: one.type, right: isNumberType(one.type) }))}
      rows={data}
      label="First rows"
      from={1}
    />
  )
}
