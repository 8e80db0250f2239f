/** A new job like an old one: reads the old one once, and opens the form with all of it filled in. */
import { useState } from "react"
import { useParams } from "react-router"
import { isMissing, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { type Cloneable, cloned, nextName, TABLES } from "./document"
import { CALLED, Editor } from "./editor"
import { SOURCES } from "./sources"

const isKind = (text: string): text is Cloneable => text in TABLES

export default function ClonePage() {
  const { kind = "", name = "" } = useParams()
  return isKind(kind) ? <Clone key={`${kind}/${name}`} kind={kind} name={name} /> : <Nowhere />
}

function Clone({ kind, name }: { kind: Cloneable; name: string }) {
  usePage([
    { text: CALLED[kind].many, href: `/jobs/${kind}` },
    { text: name, href: `/jobs/${kind}/${name}` },
    { text: "Clone", href: "" },
  ])
  const [now] = useState(() => new Date()) // each visit makes a name of its own
  const found = useLive(["jobs", kind, "clone", name], () => SOURCES[kind].read(name), { every: false, keep: false })
  if (found.error && isMissing(found.error)) return <Nowhere what={`The ${CALLED[kind].one} ${name}`} />
  if (found.error) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what={`Reading ${name}`} />
  const { described, tags } = found.data
  return <Editor kind={kind} of={name} first={cloned(kind, described, tags, nextName(kind, name, now))} />
}
