/** How long a group keeps its lines, in the days that AWS has. */
import { DeleteRetentionPolicyCommand, PutRetentionPolicyCommand } from "@aws-sdk/client-cloudwatch-logs"
import FormField from "@cloudscape-design/components/form-field"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { logs } from "./reads"

export const DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

export function kept(days: number | undefined): string {
  if (days === undefined) return "For ever"
  if (days >= 365 && days % 365 <= Math.floor(days / 365)) {
    const years = Math.floor(days / 365)
    return years === 1 ? "1 year" : `${years} years`
  }
  return days === 1 ? "1 day" : `${days} days`
}

type Props = { group: string; days: number | undefined; onDone: () => void }

export function Retention({ group, days, onDone }: Props) {
  const [chosen, setChosen] = useState(days)
  const options = [
    { value: "", label: kept(undefined) },
    ...DAYS.map((one) => ({ value: String(one), label: kept(one) })),
  ]
  const act = useAct(
    async () => {
      if (chosen === undefined) await logs().send(new DeleteRetentionPolicyCommand({ logGroupName: group }))
      else await logs().send(new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: chosen }))
      onDone()
    },
    `${group} keeps its lines: ${kept(chosen).toLowerCase()}`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`How long does ${group} keep its lines?`}
      verb="Save"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      <FormField
        label="Kept"
        warningText={
          chosen !== undefined && (days === undefined || chosen < days)
            ? "Lines that are older are gone at once, and do not come back."
            : undefined
        }
      >
        <Select
          options={options}
          selectedOption={options.find((one) => one.value === String(chosen ?? "")) ?? null}
          onChange={({ detail }) => setChosen(Number(detail.selectedOption.value) || undefined)}
          expandToViewport
        />
      </FormField>
    </Confirm>
  )
}
