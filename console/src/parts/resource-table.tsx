/**
 * A table of resources: free-text filter (kept in the URL, so a filtered list can be linked), sorting, pages, choosing,
 * a state for nothing-yet and one for nothing-found. All rows are given; `rows` undefined: they are still on their way.
 */
import { useCollection } from "@cloudscape-design/collection-hooks"
import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import Pagination from "@cloudscape-design/components/pagination"
import Table, { type TableProps } from "@cloudscape-design/components/table"
import TextFilter from "@cloudscape-design/components/text-filter"
import type { ReactNode } from "react"
import { useSearchParams } from "react-router"
import { Empty } from "./empty"
import { count } from "./format"
import { Problem } from "./problem"

export type Column<T> = TableProps.ColumnDefinition<T> & {
  /** What the filter looks at and sorting compares, where the cell is no plain text. */
  text?: (item: T) => string | number | Date | undefined
}

type Props<T> = {
  title: string
  description?: ReactNode
  rows: readonly T[] | undefined
  columns: Column<T>[]
  id: (item: T) => string
  /** What a screen reader calls a row that may be chosen, where the id says too little. */
  called?: (item: T) => string
  /** What is shown where there is nothing at all: `<Empty title=... action=...>`. */
  empty: ReactNode
  actions?: ReactNode
  error?: unknown
  again?: () => void
  /** Names of more controls beside the filter, for example a Select of states. */
  filters?: ReactNode
  /** The parameter of the URL that holds the filter; another where a page has several tables. */
  param?: string
  selection?: "single" | "multi"
  selected?: T[]
  onSelect?: (items: T[]) => void
  pageSize?: number
  variant?: TableProps.Variant
  /** Sorted by this column at first. */
  sorted?: { id: string; descending?: boolean }
  noFilter?: boolean
  /** Long texts in cells are wrapped, not cut. */
  wrap?: boolean
  headingLevel?: "h1" | "h2" | "h3"
}

const compare = (a: string | number | Date | undefined, b: string | number | Date | undefined): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true })
  return a < b ? -1 : a > b ? 1 : 0
}

export function ResourceTable<T>(props: Props<T>) {
  const { title, rows, columns, id, pageSize = 25, param = "q", sorted, noFilter = false } = props
  const [params, setParams] = useSearchParams()
  const definitions = columns.map(
    ({ text, ...column }): TableProps.ColumnDefinition<T> =>
      // The field is how the table knows its sorted column again: the comparator is another one after each render.
      text ? { sortingField: column.id, ...column, sortingComparator: (a, b) => compare(text(a), text(b)) } : column,
  )
  const first = definitions.find((one) => one.id === sorted?.id)
  const { items, collectionProps, filterProps, filteredItemsCount, paginationProps } = useCollection<T>(rows ?? [], {
    filtering: {
      defaultFilteringText: params.get(param) ?? "",
      filteringFunction: (item, wanted) =>
        wanted === "" ||
        columns.some((column) => {
          const shown = column.text ? column.text(item) : column.cell(item)
          return (
            ["string", "number"].includes(typeof shown) && String(shown).toLowerCase().includes(wanted.toLowerCase())
          )
        }),
      empty: props.empty,
      noMatch: (
        <Empty
          title="Nothing matches the filter"
          action={<Button onClick={() => filter("")}>Clear the filter</Button>}
        />
      ),
    },
    pagination: { pageSize },
    sorting: first ? { defaultState: { sortingColumn: first, isDescending: sorted?.descending ?? false } } : {},
    selection: { trackBy: id, keepSelection: true },
  })
  const filter = (text: string) => {
    filterProps.onChange({ detail: { filteringText: text } } as never)
    setParams(
      (now) => {
        if (text) now.set(param, text)
        else now.delete(param)
        return now
      },
      { replace: true },
    )
  }
  if (props.error && rows === undefined) return <Problem error={props.error} again={props.again} />
  const total = rows?.length ?? 0
  return (
    <Table<T>
      {...collectionProps}
      items={items}
      columnDefinitions={definitions}
      loading={rows === undefined}
      loadingText={`Reading ${title.toLowerCase()}`}
      variant={props.variant ?? "container"}
      trackBy={id}
      wrapLines={props.wrap ?? false}
      resizableColumns={false}
      stickyHeader={false}
      {...(props.selection
        ? {
            selectionType: props.selection,
            selectedItems: props.selected ?? [],
            onSelectionChange: ({ detail }) => props.onSelect?.(detail.selectedItems),
          }
        : {})}
      ariaLabels={{
        tableLabel: title,
        selectionGroupLabel: "Choose rows",
        allItemsSelectionLabel: () => "Choose all rows",
        itemSelectionLabel: (_, item) => `Choose ${(props.called ?? id)(item)}`,
      }}
      header={
        <Header
          variant={props.headingLevel ?? "h2"}
          counter={rows === undefined ? undefined : `(${count(total)})`}
          description={props.description}
          actions={props.actions}
        >
          {title}
        </Header>
      }
      filter={
        noFilter || (total === 0 && !filterProps.filteringText) ? undefined : (
          <div className="clary-filters">
            <TextFilter
              {...filterProps}
              onChange={({ detail }) => filter(detail.filteringText)}
              filteringPlaceholder="Filter"
              filteringAriaLabel={`Filter ${title.toLowerCase()}`}
              countText={`${count(filteredItemsCount)} ${filteredItemsCount === 1 ? "match" : "matches"}`}
            />
            {props.filters}
          </div>
        )
      }
      pagination={
        total > pageSize ? (
          <Pagination
            {...paginationProps}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (n) => `Page ${n}`,
            }}
          />
        ) : undefined
      }
    />
  )
}
