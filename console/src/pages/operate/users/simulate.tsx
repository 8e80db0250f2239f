/** May this user or role do that? SimulatePrincipalPolicy asks the evaluator that decides requests. */
import { type EvaluationResult, SimulatePrincipalPolicyCommand } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import Table from "@cloudscape-design/components/table"
import { useState } from "react"
import { useAct } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { iam } from "./reads"

const SAID: Record<string, string> = {
  allowed: "Allowed",
  implicitDeny: "Denied: no policy allows it",
  explicitDeny: "Denied by a policy that says so",
}

const split = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)

export function Simulate({ arn }: { arn: string }) {
  const [actions, setActions] = useState("s3:GetObject")
  const [resources, setResources] = useState("*")
  const act = useAct(
    () =>
      iam().send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: arn,
          ActionNames: split(actions),
          ResourceArns: split(resources).length ? split(resources) : ["*"],
        }),
      ),
    undefined,
    { errorsHere: true },
  )
  return (
    <Container header={<Header variant="h2">May it …?</Header>}>
      <SpaceBetween size="m">
        <ColumnLayout columns={2}>
          <FormField label="Actions" description="One or several, with blanks between.">
            <Input
              value={actions}
              onChange={({ detail }) => setActions(detail.value)}
              placeholder="s3:GetObject sagemaker:CreateTrainingJob"
            />
          </FormField>
          <FormField label="Resources" description="ARNs; * for any.">
            <Input
              value={resources}
              onChange={({ detail }) => setResources(detail.value)}
              placeholder="arn:aws:s3:::lake/*"
            />
          </FormField>
        </ColumnLayout>
        <Button loading={act.isPending} disabled={!split(actions).length} onClick={() => act.mutate(undefined)}>
          Ask
        </Button>
        {act.error && <Problem error={act.error} header="That cannot be asked" />}
        {act.data && (
          <Table<EvaluationResult>
            variant="borderless"
            wrapLines
            items={act.data.EvaluationResults ?? []}
            trackBy={(one) => `${one.EvalActionName} ${one.EvalResourceName}`}
            ariaLabels={{ tableLabel: "What is allowed" }}
            columnDefinitions={[
              { id: "action", header: "Action", isRowHeader: true, cell: (one) => one.EvalActionName },
              { id: "resource", header: "Resource", cell: (one) => one.EvalResourceName },
              {
                id: "decision",
                header: "Decision",
                cell: (one) => (
                  <StatusIndicator type={one.EvalDecision === "allowed" ? "success" : "error"}>
                    {SAID[one.EvalDecision ?? ""] ?? one.EvalDecision}
                  </StatusIndicator>
                ),
              },
              {
                id: "by",
                header: "By",
                cell: (one) => (one.MatchedStatements ?? []).map((each) => each.SourcePolicyId).join(", ") || "–",
              },
            ]}
          />
        )}
      </SpaceBetween>
    </Container>
  )
}
