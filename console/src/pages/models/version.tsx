/** /models/:group/:version: what a version is, what was measured of it, who approved it, and where it comes from. */
import Button from "@cloudscape-design/components/button"
import ButtonDropdown from "@cloudscape-design/components/button-dropdown"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { isMissing } from "@/aws/live"
import { words } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { Decide, type Verdict } from "./approve"
import { Card } from "./card"
import { Containers } from "./containers"
import { Decisions } from "./decisions"
import { Deploy } from "./deploy"
import { DeleteVersion } from "./dialogs"
import { LineagePanel } from "./lineage"
import { groupArnOf, PENDING, usePackage, useTags } from "./packages"
import { Properties } from "./properties"
import { rulesOf } from "./rules"
import { servesPackage, useServing } from "./serving"
import { VersionFacts } from "./version-facts"
import { VersionMetrics } from "./version-metrics"

type Props = { group: string; version: string; name: string }
type Asked = Verdict | "deploy" | "delete" | ""

export function VersionPage({ group, version, name }: Props) {
  const called = group ? `${group}, version ${version}` : name
  usePage([
    { text: "Models", href: "/models" },
    ...(group ? [{ text: group, href: `/models/${group}` }] : []),
    { text: group ? `Version ${version}` : name, href: "" },
  ])
  const looked = usePackage(name)
  const arn = looked.data?.ModelPackageArn ?? ""
  const tags = useTags(arn && (group ? groupArnOf(arn) : arn))
  const serving = useServing()
  const [asked, setAsked] = useState<Asked>("")
  if (isMissing(looked.error)) return <Nowhere what={called} />
  if (looked.error && !looked.data) return <Problem error={looked.error} again={() => void looked.refetch()} />
  if (!looked.data) return <Waiting />
  const status = looked.data.ModelApprovalStatus
  const served = servesPackage(serving.data ?? [], arn)
  const rules = group ? rulesOf(group, tags.data ?? {}) : []
  const deployable = !group || status === "Approved"
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={looked.data.ModelPackageDescription}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <ButtonDropdown
              items={[
                {
                  id: PENDING,
                  text: "Withdraw the decision",
                  disabled: status === PENDING,
                  disabledReason: "Nothing was decided.",
                },
                { id: "delete", text: "Delete" },
              ]}
              onItemClick={({ detail }) => setAsked(detail.id as Asked)}
            >
              More
            </ButtonDropdown>
            <Button onClick={() => setAsked("Rejected")} disabled={status === "Rejected"}>
              Reject
            </Button>
            <Button
              onClick={() => setAsked("Approved")}
              disabled={status === "Approved"}
              variant={deployable ? "normal" : "primary"}
            >
              Approve
            </Button>
            <Button
              variant={deployable ? "primary" : "normal"}
              onClick={() => setAsked("deploy")}
              disabled={!deployable}
              disabledReason={`It is “${words(status)}”. Only an approved version can be deployed.`}
            >
              Deploy
            </Button>
          </SpaceBetween>
        }
      >
        {called}
      </Header>
      <VersionFacts version={looked.data} serving={serving.data ? served : undefined} tags={tags.data} />
      <VersionMetrics version={looked.data} />
      {arn && <LineagePanel arn={arn} />}
      <Decisions version={looked.data} rules={rules} />
      <Containers specification={looked.data.InferenceSpecification} />
      <Properties version={looked.data} />
      {looked.data.ModelCard && <Card card={looked.data.ModelCard} />}
      {(asked === "Approved" || asked === "Rejected" || asked === PENDING) && (
        <Decide
          arn={arn}
          called={group ? `version ${version}` : name}
          verdict={asked}
          rules={rules}
          onDone={() => setAsked("")}
        />
      )}
      {asked === "deploy" && <Deploy packageArn={arn} onDismiss={() => setAsked("")} />}
      {asked === "delete" && (
        <DeleteVersion
          arn={arn}
          called={called}
          back={group ? `/models/${group}` : "/models"}
          serving={served}
          onNo={() => setAsked("")}
        />
      )}
    </SpaceBetween>
  )
}
