/** The role that a schedule acts as: one that it may assume, or one made here for that. */
import { CreateRoleCommand, IAMClient, ListRolesCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"

export const SERVICE = "scheduler.amazonaws.com"
const NAME = "clary-schedules"

/** Whether the trust policy (URL-encoded, as IAM answers it) names the scheduler. */
const trusts = (document: string | undefined): boolean => decodeURIComponent(document ?? "").includes(SERVICE)

async function listRoles() {
  const found = await all(
    (Marker) => aws(IAMClient).send(new ListRolesCommand({ Marker })),
    (page) => page.Roles,
    (page) => page.Marker,
  )
  return found.filter((one) => trusts(one.AssumeRolePolicyDocument))
}

const policy = (statement: object) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] })

async function makeRole(): Promise<string> {
  const made = await aws(IAMClient).send(
    new CreateRoleCommand({
      RoleName: NAME,
      Description: "Starts pipelines by schedules; made in the console",
      AssumeRolePolicyDocument: policy({ Principal: { Service: SERVICE }, Action: "sts:AssumeRole" }),
    }),
  )
  await aws(IAMClient).send(
    new PutRolePolicyCommand({
      RoleName: NAME,
      PolicyName: "start",
      PolicyDocument: policy({ Action: "sagemaker:StartPipelineExecution", Resource: "*" }),
    }),
  )
  return made.Role?.Arn ?? ""
}

type Props = { value: string; onChange: (arn: string) => void; error: string | undefined }

export function RoleField({ value, onChange, error }: Props) {
  const roles = useLive(["events", "roles"], listRoles, { every: 5_000 })
  const make = useAct(async () => onChange(await makeRole()), `The role ${NAME} is made: it may start pipelines`)
  const options = (roles.data ?? []).map((one) => ({ value: one.Arn ?? "", label: one.RoleName ?? "" }))
  const there = options.some((one) => one.label === NAME)
  const chosen = options.find((one) => one.value === value)
  return (
    <FormField
      label="Role"
      description={`It must trust ${SERVICE} and may start the pipeline.`}
      errorText={error ?? roles.error?.message}
    >
      <SpaceBetween size="xs">
        <Select
          options={options}
          selectedOption={chosen ?? (value ? { value, label: value.split("/").at(-1) } : null)}
          onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
          placeholder="Choose a role"
          statusType={roles.data ? "finished" : "loading"}
          empty="No role trusts the scheduler yet"
        />
        {!there && roles.data && (
          <Button formAction="none" loading={make.isPending} onClick={() => make.mutate(undefined)}>
            Make the role {NAME}
          </Button>
        )}
      </SpaceBetween>
    </FormField>
  )
}
