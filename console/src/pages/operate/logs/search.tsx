/** Search over groups by a pattern and a time. The address holds what is looked for. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useEffect, useState } from "react"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, instant } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { save } from "@/parts/save"
import { To } from "@/shell/link"
import { Fold } from "../fold"
import { RangePicker } from "../metrics/range-picker"
import { bounds, rangeOf, writeRange } from "../metrics/ranges"
import { GroupsField, PatternField, PatternHelp } from "./pattern"
import { streamAt } from "./place"
import { type Found, MOST_FOUND, search } from "./reads"
import { unfolded } from "./syntax"

const COLUMNS: Column<Found>[] = [
  {
    id: "at",
    header: "Time",
    text: (one) => one.at,
    cell: (one) => <span className="clary-numbers clary-nowrap">{instant(new Date(one.at))}</span>,
  },
  {
    id: "line",
    header: "Line",
    minWidth: 320,
    isRowHeader: true,
    text: (one) => one.text,
    cell: (one) =>
      unfolded(one.text) === one.text ? (
        <span className="clary-mono">{one.text}</span>
      ) : (
        <Fold head={<span className="clary-mono">{one.text}</span>}>
          <pre className="clary-mono">{unfolded(one.text)}</pre>
        </Fold>
      ),
  },
  {
    id: "stream",
    header: "Stream",
    text: (one) => `${one.group} ${one.stream}`,
    cell: (one) => (
      <span className="clary-break">
        <To to={streamAt(one.group, one.stream)}>{one.stream}</To>
        <Box variant="small" color="text-body-secondary" display="block">
          {one.group}
        </Box>
      </span>
    ),
  },
]

export function Search() {
  const [params, setParams] = useSearchParams()
  const groups = params.getAll("g")
  const pattern = params.get("p") ?? ""
  const range = rangeOf(params)
  const [typed, setTyped] = useState(pattern)
  useEffect(() => setTyped(pattern), [pattern])
  const change = (edit: (to: URLSearchParams) => void) =>
    setParams(
      (now) => {
        const to = new URLSearchParams(now)
        edit(to)
        return to
      },
      { replace: true },
    )
  const look = (text = typed) => change((to) => (text ? to.set("p", text) : to.delete("p")))
  const { data, error, refetch, isFetching } = useLive(
    ["log-search", groups, pattern, range],
    () => search({ groups, pattern, ...bounds(range, 60, Date.now()) }),
    { every: false, enabled: groups.length > 0, keep: false },
  )
  return (
    <SpaceBetween size="l">
      <Container>
        <SpaceBetween size="m">
          <GroupsField
            groups={groups}
            onChange={(next) =>
              change((to) => {
                to.delete("g")
                for (const one of next) to.append("g", one)
              })
            }
          />
          <PatternField value={typed} onChange={setTyped} onEnter={() => look()} />
          <div className="clary-controls">
            <RangePicker range={range} onChange={(next) => change((to) => writeRange(to, next))} />
            <Button
              variant="primary"
              disabled={groups.length === 0}
              loading={isFetching}
              onClick={() => (typed === pattern ? void refetch() : look())}
            >
              Search
            </Button>
          </div>
          <PatternHelp onTry={(text) => look(text)} />
        </SpaceBetween>
      </Container>
      {groups.length === 0 ? (
        <Empty title="Choose where to look">One log group or several; the newest lines come first.</Empty>
      ) : error ? (
        <Problem error={error} again={() => void refetch()} header="That could not be searched" />
      ) : (
        <>
          {data?.more && (
            <Alert type="info">
              The newest {count(MOST_FOUND)} of a group are shown; there are more. A shorter time or a narrower pattern
              shows the rest.
            </Alert>
          )}
          <ResourceTable<Found>
            title="Lines"
            rows={data?.lines}
            columns={COLUMNS}
            id={(one) => one.id}
            noFilter
            wrap
            pageSize={50}
            actions={
              <Button
                iconName="download"
                disabled={!data?.lines.length}
                onClick={() =>
                  save(
                    (data?.lines ?? []).map((one) => `${new Date(one.at).toISOString()} ${one.text}\n`).join(""),
                    "lines.log",
                  )
                }
              >
                Download
              </Button>
            }
            empty={<Empty title="No line matches">Nothing in that time. Try a longer time, or a wider pattern.</Empty>}
          />
        </>
      )}
    </SpaceBetween>
  )
}
