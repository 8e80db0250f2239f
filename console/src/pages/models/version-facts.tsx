/** What a version is, in one look. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import type { ReactNode } from "react"
import { identity, kindOfArn, pageOf } from "@/parts/arn"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { nameOf, words } from "@/parts/format"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { Approval } from "./approval"
import type { Version } from "./packages"
import { aliasesOf, type Tags } from "./rules"
import { Served } from "./served"
import type { Serving } from "./serving"

type Props = {
  version: Version
  /** Undefined: not known yet. */
  serving: readonly Serving[] | undefined
  /** Of the group. */
  tags: Tags | undefined
}

export function VersionFacts({ version, serving, tags }: Props) {
  const made = version.MetadataProperties
  const aliases = aliasesOf(tags ?? {}).filter((one) => one.version === version.ModelPackageVersion)
  const cycle = version.ModelLifeCycle
  const optional: [string, ReactNode][] = [
    ["Aliases", aliases.map((one) => one.name).join(", ")],
    ["Life cycle", cycle ? `${cycle.Stage} · ${words(cycle.StageStatus)}` : ""],
    ["Task", version.Task ? words(version.Task.toLowerCase().replaceAll("_", " ")) : ""],
    ["Commit", made?.CommitId && <Copy key="commit" text={made.CommitId} shown={made.CommitId.slice(0, 12)} />],
    ["Repository", made?.Repository && <span className="clary-break">{made.Repository}</span>],
  ]
  return (
    <Container header={<Header variant="h2">Version</Header>}>
      <Facts
        facts={[
          ["Approval", <Approval key="approval" status={version.ModelApprovalStatus} />],
          ["In service", serving === undefined ? "–" : <Served key="served" serving={serving} />],
          ["Made by", <Maker key="maker" arn={made?.GeneratedBy} />],
          ["Registered", <Instant key="created" when={version.CreationTime} />],
          ["Registered by", identity(version.CreatedBy?.IamIdentity?.Arn)],
          ["Last changed", version.LastModifiedTime && <Instant key="changed" when={version.LastModifiedTime} />],
          ...optional.filter(([, value]) => value),
          [
            "ARN",
            <Copy key="arn" text={version.ModelPackageArn} shown={version.ModelPackageArn} label="Copy the ARN" />,
          ],
        ]}
      />
    </Container>
  )
}

const KINDS: Record<string, string> = {
  pipeline: "Pipeline run",
  "training-job": "Training job",
  "processing-job": "Processing job",
  "hyper-parameter-tuning-job": "Tuning job",
}

/** The pipeline's execution, or the job, that made it. */
function Maker({ arn }: { arn: string | undefined }) {
  if (!arn) return <>–</>
  const page = pageOf(arn)
  const pipeline = /:pipeline\/([^/]+)\/execution\//.exec(arn)?.[1]
  const called = pipeline ? `${pipeline} · ${nameOf(arn)}` : nameOf(arn)
  return (
    <span className="clary-break">
      {KINDS[kindOfArn(arn)] && `${KINDS[kindOfArn(arn)]} `}
      {page ? <To to={page}>{called}</To> : called}
    </span>
  )
}
