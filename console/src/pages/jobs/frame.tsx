/** The frame of every job's page: name, state, what may be done with it, why it failed, and its tabs. */

import Button from "@cloudscape-design/components/button"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import type { UseQueryResult } from "@tanstack/react-query"
import { type ReactNode, useState } from "react"
import { useNavigate, useSearchParams } from "react-router"
import { isMissing, useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy } from "@/parts/copy"
import { Problem } from "@/parts/problem"
import { moving, Status } from "@/parts/status"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { Failed } from "./failed"
import { KINDS, type Kind } from "./reads"

/** Where the tabs do not fit, on a phone, they scroll. */
export const SCROLL = { scrollLeftAriaLabel: "Tabs further left", scrollRightAriaLabel: "Tabs further right" }

export type Deed = {
  verb: string
  title: string
  said: string
  about: ReactNode
  act: () => Promise<unknown>
  /** Where to go when it is done; undefined: stay. */
  next?: string
}

/** Reads, or says why not. `children` draws what was read. */
export function Read<T>({
  kind,
  name,
  found,
  children,
}: {
  kind: Kind
  name: string
  found: UseQueryResult<T, Error>
  children: (job: T) => ReactNode
}) {
  usePage([
    { text: KINDS[kind].many, href: `/jobs/${kind}` },
    { text: name, href: "" },
  ])
  if (found.error && isMissing(found.error)) return <Nowhere what={`The ${KINDS[kind].one} ${name}`} />
  if (found.error && !found.data) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what={`Reading ${name}`} />
  return children(found.data)
}

type Props = {
  kind: Kind
  name: string
  status: string | undefined
  said?: string
  reason?: string
  /** The prefix of its log streams; undefined: it has no lines of its own. */
  streams?: string
  stop: () => Promise<unknown>
  remove?: () => Promise<unknown>
  top: ReactNode
  tabs: { id: string; label: string; content: ReactNode }[]
}

export function JobFrame({ kind, name, status, said, reason, streams, stop, remove, top, tabs }: Props) {
  const navigate = useNavigate()
  const [params, setParams] = useSearchParams()
  const [deed, setDeed] = useState<Deed | null>(null)
  const live = moving(status)
  const { one, group } = KINDS[kind]
  const known = tabs.find((tab) => tab.id === params.get("tab"))?.id ?? tabs[0]?.id ?? ""
  const stopping: Deed = {
    verb: "Stop",
    title: `Stop ${name}?`,
    said: `${name} is being stopped`,
    about:
      kind === "tuning"
        ? "No more training jobs are started, and those that run are stopped. What they found so far is kept."
        : "Its program is asked to end, and ended two minutes later at the latest. It cannot go on from there.",
    act: stop,
  }
  const removing: Deed = {
    verb: "Delete",
    title: `Delete ${name}?`,
    said: `${name} is deleted`,
    about: `The ${one} is gone from every list. What it stored in S3 and its log lines stay.`,
    act: remove ?? (() => Promise.resolve()),
    next: `/jobs/${kind}`,
  }
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={<Status status={status} said={said} />}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {remove && !live && <Button onClick={() => setDeed(removing)}>Delete</Button>}
            {live && (
              <Button onClick={() => setDeed(stopping)} disabled={status === "Stopping"}>
                Stop
              </Button>
            )}
            <Button variant="primary" onClick={() => navigate(`/jobs/${kind}/${name}/clone`)}>
              Clone
            </Button>
          </SpaceBetween>
        }
      >
        <span className="clary-break">{name}</span> <Copy text={name} label="Copy name" />
      </Header>
      {reason && <Failed reason={reason} status={status} group={group} streams={streams} />}
      {top}
      <Tabs
        ariaLabel={`About ${name}`}
        i18nStrings={SCROLL}
        activeTabId={known}
        onChange={({ detail }) =>
          setParams(
            (now) => {
              now.set("tab", detail.activeTabId)
              return now
            },
            { replace: true },
          )
        }
        tabs={tabs}
      />
      {deed && <Doing deed={deed} onDone={() => setDeed(null)} />}
    </SpaceBetween>
  )
}

export function Doing({ deed, onDone }: { deed: Deed; onDone: () => void }) {
  const navigate = useNavigate()
  const doing = useAct(() => deed.act(), deed.said, { errorsHere: true })
  return (
    <Confirm
      title={deed.title}
      verb={deed.verb}
      busy={doing.isPending}
      error={doing.error}
      onNo={onDone}
      onYes={() =>
        doing.mutate(undefined, {
          onSuccess: () => {
            onDone()
            if (deed.next) navigate(deed.next)
          },
        })
      }
    >
      {deed.about}
    </Confirm>
  )
}
