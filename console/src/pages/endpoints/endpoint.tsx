/** One endpoint: its state on top, and below it a tab for everything that one may want to see or do. */
import Alert from "@cloudscape-design/components/alert"
import Badge from "@cloudscape-design/components/badge"
import Button from "@cloudscape-design/components/button"
import ContentLayout from "@cloudscape-design/components/content-layout"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { useParams, useSearchParams } from "react-router"
import { isMissing, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { LogView } from "@/parts/log-view"
import { Problem } from "@/parts/problem"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { AlarmsTab } from "./alarms"
import { Captured } from "./captured"
import { Change } from "./change"
import { readChanges } from "./changes"
import { Configuration } from "./configuration"
import { Delete } from "./delete"
import { LastLines } from "./last-lines"
import { Overview } from "./overview"
import { useAlarms, useConfig, useEndpoint } from "./read"
import { Try } from "./try"

export function EndpointPage() {
  const { name = "" } = useParams()
  const [params, setParams] = useSearchParams()
  const [deleting, setDeleting] = useState(false)
  usePage([
    { text: "Endpoints", href: "/endpoints" },
    { text: name, href: "" },
  ])
  const seen = useEndpoint(name)
  const config = useConfig(seen.data?.EndpointConfigName)
  const alarms = useAlarms(name)
  const changes = useLive(["endpoint-changes", name], () => readChanges(name), { every: 10_000 })
  if (seen.error && isMissing(seen.error)) return <Nowhere what={`The endpoint ${name}`} />
  if (seen.error && !seen.data) return <Problem error={seen.error} again={() => void seen.refetch()} />
  if (!seen.data) return <Waiting what={`Reading ${name}`} />
  const endpoint = seen.data
  const status = endpoint.EndpointStatus
  const called = (alarms.data ?? []).filter((one) => one.state === "ALARM" && !one.tracking)
  const open = (tab: string) => setParams(tab === "overview" ? {} : { tab })
  const context = { endpoint, config: config.data, alarms: alarms.data ?? [], changes: changes.data ?? [] }
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          info={<Status status={status} />}
          description={
            <span>
              Changed <Ago when={endpoint.LastModifiedTime} /> ·{" "}
              <Copy text={endpoint.EndpointArn ?? ""} label="Copy the ARN" shown={endpoint.EndpointArn ?? ""} />
            </span>
          }
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel="Look again" onClick={() => void seen.refetch()} />
              <Button onClick={() => open("change")} disabled={status === "Deleting"}>
                Change
              </Button>
              <Button onClick={() => setDeleting(true)} disabled={status === "Deleting"}>
                Delete
              </Button>
              <Button
                variant="primary"
                onClick={() => open("try")}
                disabled={status === "Deleting" || status === "Failed"}
              >
                Try it
              </Button>
            </SpaceBetween>
          }
        >
          {name}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {endpoint.FailureReason && (
          <Alert
            type={status === "InService" ? "warning" : "error"}
            header={status === "InService" ? "The last update was taken back" : "It is not served"}
          >
            <SpaceBetween size="s">
              <span className="clary-break">{endpoint.FailureReason}</span>
              <LastLines endpoint={name} />
            </SpaceBetween>
          </Alert>
        )}
        {called.length > 0 && (
          <Alert type="warning" action={<Button onClick={() => open("alarms")}>See the alarms</Button>}>
            {called.length === 1 ? `The alarm ${called[0]?.name} calls.` : `${called.length} alarms call.`}
          </Alert>
        )}
        <Tabs
          activeTabId={params.get("tab") ?? "overview"}
          onChange={({ detail }) => open(detail.activeTabId)}
          ariaLabel={`About ${name}`}
          tabs={[
            { id: "overview", label: "Overview", content: <Overview {...context} /> },
            { id: "try", label: "Try it", content: <Try {...context} /> },
            { id: "change", label: "Change", content: <Change {...context} problem={changes.error} /> },
            { id: "captured", label: "Captured data", content: <Captured {...context} /> },
            {
              id: "logs",
              label: "Logs",
              content: <LogView group={`/aws/sagemaker/Endpoints/${name}`} live />,
            },
            {
              id: "alarms",
              label: <span>Alarms {called.length > 0 && <Badge color="red">{called.length}</Badge>}</span>,
              content: <AlarmsTab alarms={alarms.data} error={alarms.error} endpoint={name} />,
            },
            { id: "configuration", label: "Configuration", content: <Configuration {...context} /> },
          ]}
        />
      </SpaceBetween>
      {deleting && <Delete endpoint={endpoint} config={config.data} onNo={() => setDeleting(false)} />}
    </ContentLayout>
  )
}
