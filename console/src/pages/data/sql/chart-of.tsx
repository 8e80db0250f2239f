import type { QueryExecution } from "@aws-sdk/client-athena"
import { useQuery } from "@tanstack/react-query"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { type Results, results } from "./athena"
import { QuickChart } from "./quick-chart"

/** A chart of more points than a screen has pixels says nothing more. */
const MOST = 3_000
const PAGE = 1_000

async function manyRows(execution: QueryExecution): Promise<Results> {
  let page = await results(execution, PAGE)
  const rows = [...page.rows]
  while (page.next && rows.length < MOST) {
    page = await results(execution, PAGE, page.next)
    rows.push(...page.rows)
  }
  return { ...page, rows }
}

export function ChartOf({ execution }: { execution: QueryExecution }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["athena", "many", execution.QueryExecutionId],
    queryFn: () => manyRows(execution),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <Problem error={error} again={() => void refetch()} />
  if (!data) return <Waiting what="Reading the rows" />
  return <QuickChart columns={data.columns} rows={data.rows} more={data.next !== undefined} />
}
