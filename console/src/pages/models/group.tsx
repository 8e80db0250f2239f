/** /models/:group: the versions of one model, side by side. */
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { isMissing } from "@/aws/live"
import { identity } from "@/parts/arn"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { To } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { Compare } from "./compare"
import { Deploy } from "./deploy"
import { DeleteGroup } from "./dialogs"
import { useGroup, useTags, useVersions, versionPath } from "./packages"
import { aliasesOf, rulesOf } from "./rules"
import { servesPackage, useServing } from "./serving"
import { TagsPanel } from "./tags"
import { Versions } from "./versions"

export function GroupPage({ name }: { name: string }) {
  usePage([
    { text: "Models", href: "/models" },
    { text: name, href: `/models/${name}` },
  ])
  const group = useGroup(name)
  const versions = useVersions(name)
  const tags = useTags(group.data?.ModelPackageGroupArn)
  const serving = useServing()
  const [params, setParams] = useSearchParams()
  const [asked, setAsked] = useState<"delete" | "deploy" | "">("")
  if (isMissing(group.error)) return <Nowhere what={`The model group ${name}`} />
  if (group.error && !group.data) return <Problem error={group.error} again={() => void group.refetch()} />
  if (!group.data) return <Waiting />
  const rows = versions.data
  const approved = rows?.find((one) => one.ModelApprovalStatus === "Approved")
  const served = (serving.data ?? []).filter((one) =>
    rows?.some((version) => servesPackage([one], version.ModelPackageArn).length),
  )
  const rules = rulesOf(name, tags.data ?? {})
  const aliases = aliasesOf(tags.data ?? {})
  const compared = (params.get("compare") ?? "").split(",").filter(Boolean).map(Number)
  const chosen = (rows ?? []).filter((one) => compared.includes(one.ModelPackageVersion ?? 0))
  const compare = (numbers: number[]) =>
    setParams(
      (now) => {
        if (numbers.length) now.set("compare", numbers.join(","))
        else now.delete("compare")
        return now
      },
      { replace: true },
    )
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={group.data.ModelPackageGroupDescription}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setAsked("delete")}>Delete</Button>
            <Button
              variant="primary"
              onClick={() => setAsked("deploy")}
              disabled={!approved}
              disabledReason={rows ? "No version is approved." : "The versions are being read."}
            >
              {approved ? `Deploy version ${approved.ModelPackageVersion}` : "Deploy"}
            </Button>
          </SpaceBetween>
        }
      >
        {name}
      </Header>
      <Container header={<Header variant="h2">Group</Header>}>
        <Facts
          facts={[
            [
              "Latest approved version",
              approved && (
                <To to={versionPath(name, approved.ModelPackageVersion ?? 0)}>
                  {`Version ${approved.ModelPackageVersion}`}
                </To>
              ),
            ],
            [
              "To be approved",
              <Rules key="rules" rules={rules.map((one) => one.words)} known={tags.data !== undefined} />,
            ],
            [
              "Aliases",
              aliases.length ? (
                <ul key="aliases" className="clary-plain-list">
                  {aliases.map((one) => (
                    <li key={one.name}>
                      <To to={versionPath(name, one.version)}>{`${one.name}: version ${one.version}`}</To>
                    </li>
                  ))}
                </ul>
              ) : undefined,
            ],
            ["Created", <Instant key="created" when={group.data.CreationTime} />],
            ["Created by", identity(group.data.CreatedBy?.IamIdentity?.Arn)],
            [
              "ARN",
              <Copy
                key="arn"
                text={group.data.ModelPackageGroupArn ?? ""}
                shown={group.data.ModelPackageGroupArn ?? ""}
                label="Copy the ARN"
              />,
            ],
          ]}
          columns={3}
        />
      </Container>
      <Versions
        group={name}
        versions={rows}
        error={versions.error}
        again={() => void versions.refetch()}
        serving={serving.data}
        aliases={aliases}
        rules={rules}
        compared={compared}
        onCompare={compare}
      />
      {chosen.length > 1 && <Compare versions={chosen} rules={rules} onClose={() => compare([])} />}
      <TagsPanel
        arn={group.data.ModelPackageGroupArn ?? ""}
        tags={tags.data}
        hint="approval:… adds a rule of approval, alias:… names a version."
      />
      {asked === "delete" && (
        <DeleteGroup name={name} versions={rows?.length ?? 0} serving={served} onNo={() => setAsked("")} />
      )}
      {asked === "deploy" && approved && (
        <Deploy packageArn={approved.ModelPackageArn} onDismiss={() => setAsked("")} />
      )}
    </SpaceBetween>
  )
}

function Rules({ rules, known }: { rules: string[]; known: boolean }) {
  if (!known) return <>–</>
  if (rules.length === 0) return <>This group adds no rules.</>
  return (
    <ul className="clary-plain-list">
      {rules.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  )
}
