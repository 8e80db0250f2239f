/** A list of jobs that the server filters, sorts and pages: as quick with a hundred thousand jobs as with ten. */
import { useCollection } from "@cloudscape-design/collection-hooks"
import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import Pagination from "@cloudscape-design/components/pagination"
import Select from "@cloudscape-design/components/select"
import Table, { type TableProps } from "@cloudscape-design/components/table"
import TextFilter from "@cloudscape-design/components/text-filter"
import { type ReactNode, useEffect, useState } from "react"
import { useSearchParams } from "react-router"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { words } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { moving } from "@/parts/status"
import { KINDS, type Kind } from "./reads"
import { type Row, readPage, type SortBy, STATUSES } from "./rows"

const SORTS: readonly SortBy[] = ["Name", "CreationTime", "Status"]
const TYPING_MS = 250

type Props = { kind: Kind; columns: TableProps.ColumnDefinition<Row>[]; description: string; empty: ReactNode }

export function JobTable({ kind, columns, description, empty }: Props) {
  const [params, setParams] = useSearchParams()
  const [text, status] = [params.get("q") ?? "", params.get("status") ?? ""]
  const sortBy = SORTS.find((one) => one === params.get("sort")) ?? "CreationTime"
  const descending = params.get("order") !== "ascending"
  const [typed, setTyped] = useState(text)
  // The tokens of the pages seen so far; a page's number is its place among them.
  const [tokens, setTokens] = useState<(string | undefined)[]>([undefined])
  const [at, setAt] = useState(0)
  const token = tokens[at]
  const list = useLive(
    ["jobs", kind, "list", text, status, sortBy, descending, token],
    () => readPage(kind, { text, status, sortBy, descending, token }),
    { every: (seen) => (seen?.rows.some((row) => moving(row.status)) ? FAST_MS : SLOW_MS) },
  )
  const put = (changes: Record<string, string>) => {
    setTokens([undefined])
    setAt(0)
    setParams(
      (now) => {
        for (const [name, value] of Object.entries(changes)) value ? now.set(name, value) : now.delete(name)
        return now
      },
      { replace: true },
    )
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the wait
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => put({ q: typed }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const rows = list.data?.rows
  const { collectionProps } = useCollection<Row>(rows ?? [], { selection: { trackBy: "name" } })
  const filtered = text !== "" || status !== ""
  const { one, many } = KINDS[kind]
  if (list.error && rows === undefined) return <Problem error={list.error} again={() => void list.refetch()} />
  const clear = () => {
    setTyped("")
    put({ q: "", status: "" })
  }
  const choices = [{ value: "", label: "Any status" }, ...STATUSES.map((value) => ({ value, label: words(value) }))]
  const turn = (page: number) => {
    const next = list.data?.next
    if (page === tokens.length && next) setTokens((now) => [...now, next])
    if (page < tokens.length || next) setAt(page)
  }
  const more = Boolean(list.data?.next) || tokens.length > 1
  return (
    <Table<Row>
      ref={collectionProps.ref}
      items={rows ?? []}
      columnDefinitions={columns}
      trackBy="name"
      loading={rows === undefined}
      loadingText={`Reading ${many.toLowerCase()}`}
      sortingColumn={columns.find((column) => column.sortingField === sortBy)}
      sortingDescending={descending}
      onSortingChange={({ detail }) =>
        put({
          sort: detail.sortingColumn.sortingField ?? "",
          order: detail.isDescending ? "" : "ascending",
        })
      }
      ariaLabels={{ tableLabel: many }}
      header={
        <Header
          variant="h1"
          counter={rows === undefined || filtered ? undefined : `(${rows.length}${list.data?.next ? "+" : ""})`}
          description={description}
        >
          {many}
        </Header>
      }
      filter={
        rows?.length === 0 && !filtered && !typed ? undefined : (
          <div className="clary-filters">
            <TextFilter
              filteringText={typed}
              onChange={({ detail }) => setTyped(detail.filteringText)}
              filteringPlaceholder="Part of the name"
              filteringAriaLabel={`Filter ${many.toLowerCase()} by name`}
            />
            <Select
              selectedOption={choices.find((choice) => choice.value === status) ?? null}
              options={choices}
              onChange={({ detail }) => put({ status: detail.selectedOption.value ?? "" })}
              ariaLabel="Status"
            />
          </div>
        )
      }
      pagination={
        more ? (
          <Pagination
            currentPageIndex={at + 1}
            pagesCount={tokens.length + (at === tokens.length - 1 && list.data?.next ? 1 : 0)}
            openEnd={Boolean(list.data?.next)}
            onChange={({ detail }) => turn(detail.currentPageIndex - 1)}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (n) => `Page ${n}`,
            }}
          />
        ) : undefined
      }
      empty={
        filtered ? (
          <Empty title={`No ${one} matches`} action={<Button onClick={clear}>Clear the filters</Button>} />
        ) : (
          empty
        )
      }
    />
  )
}
