/** SQL over the catalog: the desk where statements are written and answered, what was asked before, what was kept. */
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useEffect, useState } from "react"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { usePage } from "@/shell/title"
import { allDatabases } from "../catalog/glue"
import { Desk } from "./desk"
import { History } from "./history"
import type { Places } from "./places"
import { Saved } from "./saved"

/** What was being written survives a look at another page, in this tab of the browser only. */
const DRAFT = "clary.sql"

export function Sql() {
  usePage([{ text: "SQL", href: "/data/sql" }])
  const [query, setQuery] = useSearchParams()
  const id = query.get("query") ?? undefined
  const tab = query.get("tab") ?? "query"
  const [sql, setSql] = useState(() => query.get("sql") ?? sessionStorage.getItem(DRAFT) ?? "")
  useEffect(() => sessionStorage.setItem(DRAFT, sql), [sql])
  const [chosen, setPlaces] = useState<Places>({
    database: query.get("database") ?? "",
    workGroup: query.get("workgroup") ?? "primary",
    output: "",
  })
  const databases = useLive(["glue", "databases"], allDatabases)
  const names = databases.data?.map((one) => one.Name ?? "")
  // Nobody has chosen: the one called default, else the first that there is.
  const database = chosen.database || (names?.includes("default") ? "default" : (names?.[0] ?? "default"))
  const places = { ...chosen, database }
  const open = (next: Record<string, string>) => setQuery(next)
  const toDesk = (text: string, itsDatabase: string | undefined) => {
    setSql(text)
    if (itsDatabase) setPlaces({ ...places, database: itsDatabase })
    open({})
  }
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Asks the tables of the catalog, in Athena's language.">
        SQL
      </Header>
      <Tabs
        ariaLabel="SQL"
        activeTabId={["history", "saved"].includes(tab) ? tab : "query"}
        onChange={({ detail }) => {
          const kept: Record<string, string> = id ? { query: id } : {}
          open(detail.activeTabId === "query" ? kept : { ...kept, tab: detail.activeTabId })
        }}
        tabs={[
          {
            id: "query",
            label: "Query",
            content: (
              <Desk
                {...{ id, sql, setSql, places, setPlaces }}
                databases={names}
                error={databases.error}
                onAsked={(asked) => open({ query: asked })}
                fromLink={query.get("sql") === null}
              />
            ),
          },
          {
            id: "history",
            label: "History",
            content: <History workGroup={places.workGroup} onOpen={(one) => open({ query: one })} onRerun={toDesk} />,
          },
          { id: "saved", label: "Saved", content: <Saved workGroup={places.workGroup} onOpen={toDesk} /> },
        ]}
      />
    </SpaceBetween>
  )
}
