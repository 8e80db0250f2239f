/** Columns that the tables of groups, packages and models share. */
import type { Column } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"
import { Served } from "./served"
import type { Serving } from "./serving"

/** `found`: what the filter looks at, where that is more than the name. */
export const nameColumn = <T extends { name: string }>(
  href: (one: T) => string,
  found: (one: T) => string = (one) => one.name,
): Column<T> => ({
  id: "name",
  header: "Name",
  cell: (one) => <To to={href(one)}>{one.name}</To>,
  text: found,
  sortingField: "name",
  isRowHeader: true,
})

export const createdColumn = <T extends { created: Date | undefined }>(): Column<T> => ({
  id: "created",
  header: "Created",
  cell: (one) => <Ago when={one.created} />,
  text: (one) => one.created,
  sortingField: "created",
})

type Where<T> = {
  /** The group of which the row tells the versions. */
  group?: (one: T) => string
  /** It could not be read who serves what. */
  unknown?: boolean
}

export const servingColumn = <T,>(
  serves: (one: T) => readonly Serving[],
  { group, unknown = false }: Where<T> = {},
): Column<T> => ({
  id: "serving",
  header: "In service",
  cell: (one) => (unknown ? "not known" : <Served serving={serves(one)} group={group?.(one)} />),
  text: (one) =>
    serves(one)
      .map((endpoint) => endpoint.endpoint)
      .join(" "),
})
