/** The SQL box: a statement, where it runs, what it answers; and beside it what there is to ask for. */
import { AthenaClient, StopQueryExecutionCommand } from "@aws-sdk/client-athena"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useEffect, useRef, useState } from "react"
import { useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { FAST_MS, useAct, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { usePage } from "@/shell/title"
import { execution, isRunning, start } from "./athena"
import { Editor, type EditorHandle } from "./editor"
import { History } from "./history"
import { Outcome } from "./outcome"
import { type Places, PlacesForm } from "./places"
import { Saved, SaveQuery } from "./saved"
import { TableTree } from "./table-tree"

/** What was being written survives a look at another page, in this tab only. */
const DRAFT = "clary.sql"
const LOOK_MS = 300

export function Sql() {
  usePage([{ text: "SQL", href: "/data/sql" }])
  const [query, setQuery] = useSearchParams()
  const id = query.get("query") ?? undefined
  const [sql, setSql] = useState(() => query.get("sql") ?? sessionStorage.getItem(DRAFT) ?? "")
  const [places, setPlaces] = useState<Places>({
    database: query.get("database") ?? "default",
    workGroup: query.get("workgroup") ?? "primary",
    output: "",
  })
  const [saving, setSaving] = useState(false)
  const editor = useRef<EditorHandle>(null)
  useEffect(() => sessionStorage.setItem(DRAFT, sql), [sql])
  const tab = query.get("tab") ?? "results"
  const open = (next: Record<string, string>) => setQuery(next, { replace: false })

  const { data, error, refetch } = useLive(["athena", "execution", id], () => execution(id ?? ""), {
    enabled: id !== undefined,
    every: (seen) => (seen === undefined ? FAST_MS : isRunning(seen.Status?.State) ? LOOK_MS : false),
    keep: false,
  })
  // A link to a query brings its statement along.
  const [shown, setShown] = useState<string>()
  useEffect(() => {
    if (!data?.Query || data.QueryExecutionId === shown) return
    setShown(data.QueryExecutionId)
    if (shown === undefined && query.get("sql") === null) setSql(data.Query)
  }, [data, shown, query])

  const run = useAct(async (statement: string) => {
    const asked = await start({ sql: statement, ...places })
    setShown(asked)
    open({ query: asked })
  })
  const stop = useAct(
    (which: string) => aws(AthenaClient).send(new StopQueryExecutionCommand({ QueryExecutionId: which })),
    "The query is cancelled.",
  )
  const running = isRunning(data?.Status?.State)
  const ask = () => {
    if (sql.trim() !== "" && !run.isPending && !running) run.mutate(sql)
  }
  const rerun = (text: string, database: string | undefined) => {
    setSql(text)
    if (database) setPlaces({ ...places, database })
    editor.current?.focus()
  }
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description="Asks the tables of the catalog, in Athena's language.">
        SQL
      </Header>
      <div className="clary-sql">
        <Container header={<Header variant="h2">Tables</Header>} disableContentPaddings={false}>
          <TableTree database={places.database} onInsert={(text) => editor.current?.insert(text)} />
        </Container>
        <SpaceBetween size="l">
          <Container>
            <SpaceBetween size="m">
              <PlacesForm places={places} onChange={setPlaces} />
              <Editor ref={editor} value={sql} onChange={setSql} onRun={ask} />
              <div className="clary-filters">
                <SpaceBetween direction="horizontal" size="xs" alignItems="center">
                  <Button
                    variant="primary"
                    iconName="caret-right-filled"
                    disabled={sql.trim() === "" || running}
                    loading={run.isPending}
                    onClick={ask}
                  >
                    Run
                  </Button>
                  <Button disabled={!running} loading={stop.isPending} onClick={() => id && stop.mutate(id)}>
                    Cancel
                  </Button>
                  <Button disabled={sql.trim() === ""} onClick={() => setSaving(true)}>
                    Save
                  </Button>
                  <Box color="text-body-secondary" fontSize="body-s">
                    Ctrl + Enter runs it
                  </Box>
                </SpaceBetween>
              </div>
            </SpaceBetween>
          </Container>
          <Tabs
            ariaLabel="SQL"
            activeTabId={["results", "history", "saved"].includes(tab) ? tab : "results"}
            onChange={({ detail }) => {
              const next: Record<string, string> = id ? { query: id } : {}
              open(detail.activeTabId === "results" ? next : { ...next, tab: detail.activeTabId })
            }}
            tabs={[
              {
                id: "results",
                label: "Results",
                content:
                  error && !data ? (
                    <Problem error={error} again={() => void refetch()} />
                  ) : (
                    <Outcome execution={data} asked={id !== undefined} onPlace={(at) => editor.current?.select(at)} />
                  ),
              },
              {
                id: "history",
                label: "History",
                content: (
                  <History workGroup={places.workGroup} onOpen={(one) => open({ query: one })} onRerun={rerun} />
                ),
              },
              {
                id: "saved",
                label: "Saved",
                content: <Saved workGroup={places.workGroup} onOpen={rerun} />,
              },
            ]}
          />
        </SpaceBetween>
      </div>
      {saving && <SaveQuery sql={sql} places={places} onClose={() => setSaving(false)} />}
    </SpaceBetween>
  )
}
