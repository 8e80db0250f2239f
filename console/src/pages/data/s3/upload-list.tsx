/** How far the uploads are, whatever folder they go to. */
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import ProgressBar from "@cloudscape-design/components/progress-bar"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useSyncExternalStore } from "react"
import { bytes, count } from "@/parts/format"
import { To } from "@/shell/link"
import { folderOf, pageOf } from "./keys"
import { again, cancel, clearEnded, onUploads, type Sending, uploads } from "./uploads"

const SHOWN = 50
const RANK = { failed: 0, exists: 1, sending: 2, waiting: 3, cancelled: 4, done: 5 }

export function UploadList() {
  const all = useSyncExternalStore(onUploads, uploads)
  const queries = useQueryClient()
  const done = all.filter((one) => one.state === "done").length
  useEffect(() => {
    if (done) void queries.invalidateQueries({ queryKey: ["s3"] })
  }, [done, queries])
  if (all.length === 0) return null
  const shown = [...all].sort((a, b) => RANK[a.state] - RANK[b.state] || a.id - b.id).slice(0, SHOWN)
  const running = all.filter((one) => one.state === "sending" || one.state === "waiting")
  const there = all.filter((one) => one.state === "exists")
  const [sent, size] = [all.reduce((sum, one) => sum + one.sent, 0), all.reduce((sum, one) => sum + one.size, 0)]
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${count(done)} of ${count(all.length)})`}
          description={`${bytes(sent)} of ${bytes(size)}`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {there.length > 1 && <Button onClick={() => there.map((one) => again(one.id, true))}>Replace all</Button>}
              {running.length > 0 ? (
                <Button onClick={() => running.map((one) => cancel(one.id))}>Cancel all</Button>
              ) : (
                <Button onClick={clearEnded}>Close</Button>
              )}
            </SpaceBetween>
          }
        >
          Uploads
        </Header>
      }
    >
      <ul className="clary-uploads" aria-label="Uploads">
        {shown.map((one) => (
          <li key={one.id}>
            <Row one={one} />
          </li>
        ))}
      </ul>
      {all.length > SHOWN && <p>and {count(all.length - SHOWN)} more</p>}
    </Container>
  )
}

const STATES = {
  waiting: "Waiting",
  sending: "",
  exists: "Is there already",
  done: "",
  failed: "",
  cancelled: "Cancelled",
}

function Row({ one }: { one: Sending }) {
  const ended = one.state === "done" || one.state === "failed"
  return (
    <div className="clary-upload">
      <div className="clary-upload-bar">
        <ProgressBar
          value={one.size ? Math.min(100, (one.sent / one.size) * 100) : one.state === "done" ? 100 : 0}
          status={one.state === "done" ? "success" : one.state === "failed" ? "error" : "in-progress"}
          label={<To to={pageOf(one.bucket, folderOf(one.key))}>{`${one.bucket}/${one.key}`}</To>}
          ariaLabel={one.key}
          description={ended ? undefined : STATES[one.state]}
          additionalInfo={`${bytes(one.sent)} of ${bytes(one.size)}`}
          resultText={one.state === "done" ? "Uploaded" : one.problem}
        />
      </div>
      <div>
        {(one.state === "sending" || one.state === "waiting") && (
          <Button variant="inline-link" ariaLabel={`Cancel ${one.key}`} onClick={() => cancel(one.id)}>
            Cancel
          </Button>
        )}
        {(one.state === "failed" || one.state === "cancelled") && (
          <Button variant="inline-link" ariaLabel={`Try again: ${one.key}`} onClick={() => again(one.id)}>
            Try again
          </Button>
        )}
        {one.state === "exists" && (
          <Button variant="inline-link" ariaLabel={`Replace ${one.key}`} onClick={() => again(one.id, true)}>
            Replace
          </Button>
        )}
      </div>
    </div>
  )
}
