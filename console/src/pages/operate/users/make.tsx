/** The dialogs that make a user, a group, a policy, a role. */
import {
  AttachRolePolicyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
} from "@aws-sdk/client-iam"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { type ReactNode, useState } from "react"
import { useNavigate } from "react-router"
import { useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { groupAt, iam, policyAt, roleAt, userAt } from "./reads"
import { problemOf, SAMPLE_POLICY, trustOf } from "./trust"

type Props = { onDone: () => void }

type NamedProps = Props & {
  title: string
  label: string
  placeholder: string
  first?: string
  /** Makes it, and says where its page is. */
  make: (name: string) => Promise<string>
  said: (name: string) => string
  children?: ReactNode
}

function Named({ title, label, placeholder, first = "", make, said, children, onDone }: NamedProps) {
  const navigate = useNavigate()
  const [name, setName] = useState(first)
  const [problem, setProblem] = useState("")
  const act = useAct(
    async (wanted: string) => {
      const to = await make(wanted)
      onDone()
      await navigate(to)
    },
    (_, wanted) => said(wanted),
    { errorsHere: true },
  )
  const yes = () => {
    const good = /^[\w+=,.@-]{1,64}$/.test(name.trim())
    setProblem(good ? "" : "Letters, digits and + = , . @ - _, at most 64.")
    if (good) act.mutate(name.trim())
  }
  return (
    <Confirm title={title} verb="Create" busy={act.isPending} error={act.error} onYes={yes} onNo={onDone}>
      <SpaceBetween size="m">
        <FormField label={label} errorText={problem}>
          <Input
            value={name}
            onChange={({ detail }) => setName(detail.value)}
            onKeyDown={({ detail }) => detail.key === "Enter" && yes()}
            placeholder={placeholder}
            autoFocus
          />
        </FormField>
        {children}
      </SpaceBetween>
    </Confirm>
  )
}

export const MakeUser = ({ onDone }: Props) => (
  <Named
    title="Create user"
    label="User name"
    placeholder="ada"
    onDone={onDone}
    said={(name) => `The user ${name} is made`}
    make={async (UserName) => {
      await iam().send(new CreateUserCommand({ UserName }))
      return userAt(UserName)
    }}
  >
    A user may do nothing at first. On the user's page you attach policies and make a key.
  </Named>
)

export const MakeGroup = ({ onDone }: Props) => (
  <Named
    title="Create group"
    label="Group name"
    placeholder="analysts"
    onDone={onDone}
    said={(name) => `The group ${name} is made`}
    make={async (GroupName) => {
      await iam().send(new CreateGroupCommand({ GroupName }))
      return groupAt(GroupName)
    }}
  />
)

const FULL_ACCESS = ["AmazonSageMakerFullAccess", "AmazonS3FullAccess"]

export const MakeSageMakerRole = ({ onDone }: Props) => (
  <Named
    title="Create a role for SageMaker"
    label="Role name"
    placeholder="sagemaker-jobs"
    first="sagemaker-jobs"
    onDone={onDone}
    said={(name) => `The role ${name} is made: jobs and models may act as it`}
    make={async (RoleName) => {
      await iam().send(
        new CreateRoleCommand({
          RoleName,
          Description: "Jobs and models act as it; made in the console",
          AssumeRolePolicyDocument: trustOf("sagemaker.amazonaws.com"),
        }),
      )
      for (const policy of FULL_ACCESS)
        await iam().send(new AttachRolePolicyCommand({ RoleName, PolicyArn: `arn:aws:iam::aws:policy/${policy}` }))
      return roleAt(RoleName)
    }}
  >
    SageMaker may assume it. It gets {FULL_ACCESS.join(" and ")}; take away on its page what your jobs do not need.
  </Named>
)

export function MakePolicy({ onDone }: Props) {
  const [text, setText] = useState(SAMPLE_POLICY)
  const problem = problemOf(text)
  return (
    <Named
      title="Create policy"
      label="Policy name"
      placeholder="read-lake"
      onDone={onDone}
      said={(name) => `The policy ${name} is made`}
      make={async (PolicyName) => {
        if (problem) throw new Error(problem)
        const made = await iam().send(new CreatePolicyCommand({ PolicyName, PolicyDocument: text }))
        return policyAt(made.Policy?.Arn ?? "")
      }}
    >
      <FormField label="Document" errorText={problem} stretch>
        <Textarea rows={14} value={text} spellcheck={false} onChange={({ detail }) => setText(detail.value)} />
      </FormField>
    </Named>
  )
}
