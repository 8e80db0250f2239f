/** A statement, where it runs, what it answers; and beside it what there is to ask for. */
import { AthenaClient, StopQueryExecutionCommand } from "@aws-sdk/client-athena"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useEffect, useRef, useState } from "react"
import { aws } from "@/aws/client"
import { FAST_MS, useAct, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { execution, isRunning, start } from "./athena"
import { Editor, type EditorHandle } from "./editor"
import { Outcome } from "./outcome"
import { type Places, PlacesForm } from "./places"
import { SaveQuery } from "./saved"
import { TableTree } from "./table-tree"

const LOOK_MS = 300

type Props = {
  /** The query whose answer is shown. */
  id: string | undefined
  sql: string
  setSql: (sql: string) => void
  places: Places
  setPlaces: (places: Places) => void
  databases: string[] | undefined
  error: unknown
  onAsked: (id: string) => void
  /** A link to a query brings its statement and its database along. */
  fromLink: boolean
}

/** The query whose statement has been brought to the box, kept while one looks at other tabs. */
let brought: string | undefined

export function Desk({ id, sql, setSql, places, setPlaces, databases, error, onAsked, fromLink }: Props) {
  const [saving, setSaving] = useState(false)
  const editor = useRef<EditorHandle>(null)
  const seen = useLive(["athena", "execution", id], () => execution(id ?? ""), {
    enabled: id !== undefined,
    every: (last) => (last === undefined ? FAST_MS : isRunning(last.Status?.State) ? LOOK_MS : false),
    keep: false,
  })
  const data = id === undefined ? undefined : seen.data
  useEffect(() => {
    if (!data?.Query || data.QueryExecutionId === brought) return
    brought = data.QueryExecutionId
    if (!fromLink) return
    setSql(data.Query)
    const database = data.QueryExecutionContext?.Database
    if (database) setPlaces({ ...places, database })
  }, [data, fromLink, places, setSql, setPlaces])

  const run = useAct(async (statement: string) => {
    brought = await start({ sql: statement, ...places })
    onAsked(brought)
  })
  const stop = useAct(
    (which: string) => aws(AthenaClient).send(new StopQueryExecutionCommand({ QueryExecutionId: which })),
    "The query is cancelled.",
  )
  const running = isRunning(data?.Status?.State)
  const ask = () => {
    if (sql.trim() !== "" && !run.isPending && !running) run.mutate(sql)
  }
  return (
    <div className="clary-sql">
      <Container header={<Header variant="h2">Tables</Header>}>
        <TableTree database={places.database} databases={databases} onInsert={(text) => editor.current?.insert(text)} />
      </Container>
      <SpaceBetween size="l">
        <Container>
          <SpaceBetween size="m">
            <PlacesForm places={places} databases={databases} error={error} onChange={setPlaces} />
            <Editor ref={editor} value={sql} onChange={setSql} onRun={ask} />
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
          </SpaceBetween>
        </Container>
        {seen.error && !data ? (
          <Problem error={seen.error} again={() => void seen.refetch()} />
        ) : (
          <Outcome execution={data} asked={id !== undefined} onPlace={(at) => editor.current?.select(at)} />
        )}
      </SpaceBetween>
      {saving && <SaveQuery sql={sql} places={places} onClose={() => setSaving(false)} />}
    </div>
  )
}
