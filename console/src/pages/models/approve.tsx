/** Approves or rejects a version, with a comment that is kept. What a rule of the group says stands in the dialog. */
import { SageMakerClient, UpdateModelPackageCommand } from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import FormField from "@cloudscape-design/components/form-field"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Dialog } from "@/parts/dialog"
import { PENDING } from "./packages"
import type { Rule } from "./rules"

export type Verdict = "Approved" | "Rejected" | typeof PENDING

const VERBS: Record<Verdict, { verb: string; title: string; done: string }> = {
  Approved: { verb: "Approve", title: "Approve", done: "is approved" },
  Rejected: { verb: "Reject", title: "Reject", done: "is rejected" },
  [PENDING]: { verb: "Withdraw", title: "Withdraw the decision on", done: "waits for a decision again" },
}
const MOST = 1024

type Props = { arn: string; called: string; verdict: Verdict; rules: readonly Rule[]; onDone: () => void }

export function Decide({ arn, called, verdict, rules, onDone }: Props) {
  const [comment, setComment] = useState("")
  const { verb, title, done } = VERBS[verdict]
  const act = useAct(
    async () => {
      const sagemaker = aws(SageMakerClient)
      await sagemaker.send(
        new UpdateModelPackageCommand({
          ModelPackageArn: arn,
          ModelApprovalStatus: verdict,
          ApprovalDescription: comment.trim(),
        }),
      )
      onDone()
    },
    `${called} ${verdict === "Approved" && rules.some((one) => one.key === "approval:two-persons") ? "has your approval" : done}`,
    { errorsHere: true },
  )
  return (
    <Dialog
      title={`${title} ${called}?`}
      verb={verb}
      busy={act.isPending}
      disabled={comment.length > MOST}
      error={act.error}
      failed="That was refused"
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      {verdict === "Approved" && rules.length > 0 && (
        <Alert type="info" header="Rules of this group">
          <ul className="clary-plain-list">
            {rules.map((one) => (
              <li key={one.key}>{one.words}</li>
            ))}
          </ul>
        </Alert>
      )}
      <FormField
        label="Comment"
        description="Why. It is kept with the decision, with your name and the time."
        constraintText={comment.length > MOST - 100 ? `${comment.length} of ${MOST} letters` : ""}
        errorText={comment.length > MOST ? `At most ${MOST} letters.` : ""}
      >
        <Textarea value={comment} onChange={({ detail }) => setComment(detail.value)} rows={3} autoFocus />
      </FormField>
    </Dialog>
  )
}
