/** Events: rules and what they reach, schedules, buses, and a desk to try patterns on. */
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { Route, Routes, useSearchParams } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { Buses } from "./buses"
import { MakeSchedule } from "./make-schedule"
import { RulePage } from "./rule"
import { Rules } from "./rules"
import { SchedulePage } from "./schedule"
import { Schedules } from "./schedules"
import { TryPattern } from "./try-pattern"

const SCROLL = { scrollLeftAriaLabel: "Tabs further left", scrollRightAriaLabel: "Tabs further right" }

export default function Events() {
  return (
    <Routes>
      <Route index element={<All />} />
      <Route path="rules/:bus/:name" element={<RulePage />} />
      <Route path="schedules/:group/:name" element={<SchedulePage />} />
      <Route path="create-schedule" element={<MakeSchedule />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}

function All() {
  usePage([{ text: "Events", href: "/operate/events" }])
  const [params, setParams] = useSearchParams()
  const view = params.get("view") ?? "rules"
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="What happens, and the clock, start what comes next.">
        Events
      </Header>
      <Tabs
        i18nStrings={SCROLL}
        ariaLabel="Events"
        activeTabId={["schedules", "buses", "try"].includes(view) ? view : "rules"}
        onChange={({ detail }) => setParams(detail.activeTabId === "rules" ? {} : { view: detail.activeTabId })}
        tabs={[
          { id: "rules", label: "Rules", content: <Rules /> },
          { id: "schedules", label: "Schedules", content: <Schedules /> },
          { id: "buses", label: "Buses", content: <Buses /> },
          { id: "try", label: "Try a pattern", content: <TryPattern /> },
        ]}
      />
    </SpaceBetween>
  )
}
