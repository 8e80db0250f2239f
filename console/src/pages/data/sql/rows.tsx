/** The rows of a query, a page at a time by Athena's tokens. */
import type { QueryExecution } from "@aws-sdk/client-athena"
import Box from "@cloudscape-design/components/box"
import Pagination from "@cloudscape-design/components/pagination"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Empty } from "@/parts/empty"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Grid } from "../grid"
import { isNumberType, results } from "./athena"

const PAGE = 100

export function Rows({ execution }: { execution: QueryExecution }) {
  const [tokens, setTokens] = useState<(string | undefined)[]>([undefined])
  const [page, setPage] = useState(0)
  const token = tokens[page]
  const { data, error, refetch } = useQuery({
    queryKey: ["athena", "rows", execution.QueryExecutionId, token],
    // The first page has the names of the columns as a row: one more is asked for.
    queryFn: () =>
      results(execution, token === undefined && execution.StatementType === "DML" ? PAGE + 1 : PAGE, token),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <Problem error={error} again={() => void refetch()} header="The results could not be read" />
  if (!data) return <Waiting what="Reading the results" />
  if (data.columns.length === 0) return <Empty title="Done">This statement answers no rows.</Empty>
  if (data.rows.length === 0 && page === 0) return <Empty title="No rows">Nothing is as the statement asks for.</Empty>
  const turn = (to: number) => {
    if (to >= tokens.length) {
      if (!data.next) return
      setTokens([...tokens, data.next])
    }
    setPage(to)
  }
  const several = tokens.length > 1 || data.next !== undefined
  return (
    <SpaceBetween size="xs">
      <Grid
        columns={data.columns.map((one) => ({ name: one.Name ?? "", type: one.Type, right: isNumberType(one.Type) }))}
        rows={data.rows}
        label="Results"
        from={page * PAGE + 1}
        tall
      />
      {several && (
        <Box float="right">
          <Pagination
            currentPageIndex={page + 1}
            pagesCount={data.next && page + 1 === tokens.length ? tokens.length + 1 : tokens.length}
            openEnd={data.next !== undefined}
            onChange={({ detail }) => turn(detail.currentPageIndex - 1)}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (n) => `Page ${n}`,
            }}
          />
        </Box>
      )}
    </SpaceBetween>
  )
}
