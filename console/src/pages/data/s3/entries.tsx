/** The table of a folder: filter, pages by S3's tokens, choosing, and what can be done with the chosen. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import Icon from "@cloudscape-design/components/icon"
import Pagination from "@cloudscape-design/components/pagination"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Table from "@cloudscape-design/components/table"
import Toggle from "@cloudscape-design/components/toggle"
import { type ReactNode, useState } from "react"
import { useSearchParams } from "react-router"
import { SLOW_MS, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { bytes, count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { EntryFilter, type Filter } from "./entry-filter"
import { FolderActions } from "./folder-actions"
import { pageOf, shortVersion, shownName, uriOf } from "./keys"
import { type Entry, entryId, list, PAGE_SIZE, type Search, search } from "./listing"
import { UploadButton } from "./upload-button"

type Props = {
  bucket: string
  prefix: string
  versioning: string | undefined
  narrow: boolean
  /** The name of the object whose panel is open. */
  open: string | undefined
}

type Walk = { question: string; tokens: (string | undefined)[]; page: number; chosen: Entry[] }

export function Entries({ bucket, prefix, versioning, narrow, open }: Props) {
  const [query, setQuery] = useSearchParams()
  const filter: Filter = { text: query.get("q") ?? "", how: query.get("how") === "contains" ? "contains" : "begins" }
  const versions = query.get("versions") === "yes"
  // The tokens of the pages seen so far, and what was chosen, are of one question: another begins at its first page.
  const question = JSON.stringify([filter, versions])
  const [walk, setWalk] = useState<Walk>({ question, tokens: [undefined], page: 0, chosen: [] })
  const { tokens, page, chosen } = walk.question === question ? walk : { tokens: [undefined], page: 0, chosen: [] }
  const setChosen = (entries: Entry[]) => setWalk({ question, tokens, page, chosen: entries })
  const searching = filter.how === "contains" && filter.text !== ""
  const { data, error, refetch } = useLive<Search | { entries: Entry[]; next?: string; looked?: undefined }>(
    ["s3", bucket, "list", prefix, filter, versions, tokens[page]],
    () => {
      const asked = { bucket, prefix, versions, token: tokens[page] }
      return searching ? search(asked, filter.text) : list({ ...asked, startsWith: filter.text })
    },
    { every: searching ? false : SLOW_MS, keep: false },
  )
  const turn = (to: number) => {
    const known = to < tokens.length
    if (!known && !data?.next) return
    setWalk({ question, tokens: known ? tokens : [...tokens, data?.next], page: to, chosen: [] })
  }
  const set = (changes: Record<string, string | undefined>) =>
    setQuery(
      (now) => {
        for (const [name, value] of Object.entries(changes)) {
          if (value) now.set(name, value)
          else now.delete(name)
        }
        return now
      },
      { replace: true },
    )
  if (error && !data)
    return <Problem error={error} again={() => void refetch()} header={`${bucket} could not be read`} />
  const rows = data?.entries
  const several = tokens.length > 1 || data?.next !== undefined
  const filtered = filter.text !== ""
  return (
    <Table<Entry>
      items={rows ?? []}
      loading={rows === undefined}
      loadingText={searching ? "Looking through the names" : "Reading the folder"}
      trackBy={entryId}
      variant="container"
      selectionType="multi"
      selectedItems={chosen}
      onSelectionChange={({ detail }) => setChosen(detail.selectedItems)}
      ariaLabels={{
        tableLabel: "Files",
        selectionGroupLabel: "Choose files",
        allItemsSelectionLabel: () => "Choose all on this page",
        itemSelectionLabel: (_, one) => `Choose ${one.name}${one.version ? ` version ${one.version}` : ""}`,
      }}
      columnDefinitions={columnsOf(bucket, prefix, { narrow, versions, open })}
      header={
        <Header
          variant="h1"
          counter={several || rows === undefined ? undefined : `(${count(rows.length)})`}
          description={<Copy text={uriOf(bucket, prefix)} shown={uriOf(bucket, prefix)} label="Copy address" />}
          actions={<FolderActions {...{ bucket, prefix, versioning, versions, narrow, chosen, setChosen }} />}
        >
          {shownName(prefix ? (prefix.replace(/\/$/, "").split("/").at(-1) ?? "") : bucket)}
        </Header>
      }
      filter={
        <SpaceBetween size="xs">
          {/* Not where there is nothing to filter; while rows are on their way it stays, or typing would be cut off. */}
          {(filtered || several || rows === undefined || rows.length > 0) && (
            <EntryFilter
              value={filter}
              onChange={({ text, how }) => set({ q: text, how: how === "begins" ? "" : how })}
            />
          )}
          {versioning && (
            <Toggle checked={versions} onChange={({ detail }) => set({ versions: detail.checked ? "yes" : "" })}>
              Show versions and what was deleted
            </Toggle>
          )}
          {data?.looked !== undefined && (
            <Box color="text-body-secondary" fontSize="body-s">
              {count(data.entries.length)} found in {count(data.looked)} names
              {data.next ? "; there are more names" : ""}
            </Box>
          )}
        </SpaceBetween>
      }
      pagination={
        several ? (
          <Pagination
            currentPageIndex={page + 1}
            pagesCount={data?.next && page + 1 === tokens.length ? tokens.length + 1 : tokens.length}
            openEnd={data?.next !== undefined}
            onChange={({ detail }) => turn(detail.currentPageIndex - 1)}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (n) => `Page ${n}`,
            }}
          />
        ) : undefined
      }
      footer={
        several ? <Box color="text-body-secondary">Up to {count(PAGE_SIZE)} names a page, in S3's order</Box> : ""
      }
      empty={
        filtered ? (
          <Empty
            title={`No name ${filter.how === "begins" ? "begins with" : "contains"} "${filter.text}"`}
            action={<Button onClick={() => set({ q: "", how: "" })}>Clear the filter</Button>}
          />
        ) : (
          <Empty
            title={prefix ? "Nothing lies here" : "This bucket is empty"}
            action={<UploadButton bucket={bucket} prefix={prefix} />}
          >
            Drop files or folders on this page, or choose them.
          </Empty>
        )
      }
    />
  )
}

function columnsOf(bucket: string, prefix: string, how: { narrow: boolean; versions: boolean; open?: string }) {
  const named = (one: Entry): ReactNode => {
    const to =
      one.kind === "folder"
        ? pageOf(bucket, one.key)
        : `${pageOf(bucket, prefix, one.name)}${how.versions && one.version ? `&version=${encodeURIComponent(one.version)}&versions=yes` : ""}`
    const text = one.kind === "folder" ? `${shownName(one.name)}/` : shownName(one.name)
    return (
      <span className="clary-entry">
        <Icon name={one.kind === "folder" ? "folder" : "file"} />
        {one.marker ? <span className="clary-entry-gone">{text}</span> : <To to={to}>{text}</To>}
      </span>
    )
  }
  const version = {
    id: "version",
    header: "Version",
    cell: (one: Entry) =>
      one.kind === "folder"
        ? ""
        : `${shortVersion(one.version)}${one.marker ? " · deleted" : one.latest ? " · current" : ""}`,
  }
  return [
    {
      id: "name",
      header: "Name",
      cell: (one: Entry) => (one.name === how.open && one.kind === "object" ? <b>{named(one)}</b> : named(one)),
      isRowHeader: true,
      minWidth: 180,
    },
    ...(how.versions ? [version] : []),
    {
      id: "size",
      header: "Size",
      cell: (one: Entry) => (
        <span className="clary-numbers clary-nowrap">{one.kind === "folder" ? "–" : bytes(one.size)}</span>
      ),
    },
    ...(how.narrow
      ? []
      : [
          {
            id: "modified",
            header: "Modified",
            cell: (one: Entry) => (one.kind === "folder" ? "–" : <Instant when={one.modified} />),
          },
          {
            id: "storage",
            header: "Storage",
            cell: (one: Entry) => (one.kind === "folder" || one.marker ? "–" : storageOf(one.storage)),
          },
        ]),
  ]
}

/** "STANDARD_IA" is Standard IA. */
const storageOf = (name: string | undefined): string =>
  name
    ? name
        .replaceAll("_", " ")
        .replace(/\B[A-Z]+/g, (rest) => (name.includes("IA") && rest === "A" ? rest : rest.toLowerCase()))
    : "–"
