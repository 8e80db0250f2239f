/** A new job like an old one: reads the old one once, and opens the form with all of it filled in. */
import { useState } from "react"
import { useParams } from "react-router"
import { isMissing, useLive } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { KINDS, type Kind, READS, tagsOf } from "../reads"
import { cloned, nextName } from "./document"
import { Editor } from "./editor"

const isKind = (text: string): text is Kind => text in KINDS

export default function ClonePage() {
  const { kind = "", name = "" } = useParams()
  return isKind(kind) ? <Clone key={`${kind}/${name}`} kind={kind} name={name} /> : <Nowhere />
}

type Tags = { key: string; value: string }[]

async function read(kind: Kind, name: string): Promise<{ described: object; tags: Tags }> {
  const described = await READS[kind](name)
  const arn = Object.entries(described).find(
    ([member, value]) => typeof value === "string" && member.toLowerCase() === ARNS[kind],
  )?.[1]
  const tags = typeof arn === "string" ? await tagsOf(arn) : []
  return { described, tags }
}

const ARNS: Record<Kind, string> = {
  training: "trainingjobarn",
  processing: "processingjobarn",
  transform: "transformjobarn",
  tuning: "hyperparametertuningjobarn",
}

function Clone({ kind, name }: { kind: Kind; name: string }) {
  usePage([
    { text: KINDS[kind].many, href: `/jobs/${kind}` },
    { text: name, href: `/jobs/${kind}/${name}` },
    { text: "Clone", href: "" },
  ])
  const [now] = useState(() => new Date()) // each visit makes a name of its own
  const found = useLive(["jobs", kind, "clone", name], () => read(kind, name), { every: false, keep: false })
  if (found.error && isMissing(found.error)) return <Nowhere what={`The ${KINDS[kind].one} ${name}`} />
  if (found.error) return <Problem error={found.error} again={() => void found.refetch()} />
  if (!found.data) return <Waiting what={`Reading ${name}`} />
  const { described, tags } = found.data
  return <Editor kind={kind} of={name} first={cloned(kind, described, tags, nextName(kind, name, now))} />
}
