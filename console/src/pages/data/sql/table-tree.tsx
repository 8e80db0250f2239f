/** What there is to ask for: the tables of the database and their columns. A click puts the name where the cursor is. */
import type { Table } from "@aws-sdk/client-glue"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { SLOW_MS, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { allTables, columnsOf } from "../catalog/glue"
import { quotedName } from "./text"

const FILTERED_FROM = 8

type Props = { database: string; databases: readonly string[] | undefined; onInsert: (text: string) => void }

export function TableTree({ database, databases, onInsert }: Props) {
  const [filter, setFilter] = useState("")
  // Athena takes the name "default" also where there is no such database.
  const missing = databases !== undefined && !databases.includes(database)
  const { data, error, refetch } = useLive(["glue", "tables", database], () => allTables(database), {
    enabled: databases !== undefined && !missing,
    every: SLOW_MS,
    keep: false,
  })
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  if (!data && !missing) return <Waiting what="Reading the tables" />
  if (!data || data.length === 0) {
    return (
      <Box color="text-body-secondary">
        {missing ? `There is no database ${database} yet` : `${database} has no tables`}. Choose another, or see the{" "}
        <To to="/data/catalog">catalog</To>.
      </Box>
    )
  }
  const shown = data.filter((one) => (one.Name ?? "").includes(filter.toLowerCase()))
  return (
    <SpaceBetween size="xs">
      {data.length >= FILTERED_FROM && (
        <Input
          type="search"
          value={filter}
          placeholder="Filter tables"
          ariaLabel="Filter tables"
          onChange={({ detail }) => setFilter(detail.value)}
        />
      )}
      <div className="clary-tree">
        {shown.map((one) => (
          <OneTable key={one.Name} database={database} table={one} onInsert={onInsert} />
        ))}
      </div>
    </SpaceBetween>
  )
}

function OneTable({ database, table, onInsert }: { database: string; table: Table; onInsert: (text: string) => void }) {
  const name = table.Name ?? ""
  return (
    <ExpandableSection headerText={name} variant="footer">
      <SpaceBetween size="xxs">
        <SpaceBetween direction="horizontal" size="s">
          <Button variant="inline-link" ariaLabel={`Insert name ${name}`} onClick={() => onInsert(quotedName(name))}>
            Insert name
          </Button>
          <To to={`/data/catalog/${database}/${name}`}>About it</To>
        </SpaceBetween>
        <ul>
          {columnsOf(table).map((column) => (
            <li key={column.place} className="clary-tree-column">
              <Button
                variant="inline-link"
                ariaLabel={`Insert ${column.Name}`}
                onClick={() => onInsert(quotedName(column.Name ?? ""))}
              >
                {column.Name}
              </Button>
              <span className="clary-tree-type">{column.Type}</span>
            </li>
          ))}
        </ul>
      </SpaceBetween>
    </ExpandableSection>
  )
}
