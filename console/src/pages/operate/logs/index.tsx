/** Logs: groups and their streams, a stream's lines, search over groups, and what comes in now. */
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useSearchParams } from "react-router"
import { usePage } from "@/shell/title"
import { GroupPage } from "./group"
import { Groups } from "./groups"
import { Search } from "./search"
import { StreamPage } from "./stream"
import { Tail } from "./tail"

const SCROLL = { scrollLeftAriaLabel: "Tabs further left", scrollRightAriaLabel: "Tabs further right" }

export default function Logs() {
  const [params] = useSearchParams()
  const [group, stream] = [params.get("group"), params.get("stream")]
  if (group && stream) return <StreamPage key={`${group} ${stream}`} group={group} stream={stream} />
  if (group) return <GroupPage key={group} name={group} />
  return <All />
}

function All() {
  usePage([{ text: "Logs", href: "/operate/logs" }])
  const [params, setParams] = useSearchParams()
  const view = params.get("view") ?? "groups"
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="What jobs, endpoints and your own programs wrote.">
        Logs
      </Header>
      <Tabs
        i18nStrings={SCROLL}
        ariaLabel="Logs"
        activeTabId={["search", "tail"].includes(view) ? view : "groups"}
        onChange={({ detail }) =>
          setParams((now) => {
            // What is searched stays when one looks at it live, and the other way round.
            const to = new URLSearchParams(now)
            to.delete("q")
            if (detail.activeTabId === "groups") to.delete("view")
            else to.set("view", detail.activeTabId)
            return to
          })
        }
        tabs={[
          { id: "groups", label: "Groups", content: <Groups /> },
          { id: "search", label: "Search", content: <Search /> },
          { id: "tail", label: "Live tail", content: <Tail /> },
        ]}
      />
    </SpaceBetween>
  )
}
