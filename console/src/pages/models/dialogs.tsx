/** Confirmations that say what goes with what is deleted. */
import {
  DeleteModelCommand,
  DeleteModelPackageCommand,
  DeleteModelPackageGroupCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import SpaceBetween from "@cloudscape-design/components/space-between"
import type { ReactNode } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { count } from "@/parts/format"
import { versionsOf } from "./packages"
import type { Serving } from "./serving"

const sagemaker = () => aws(SageMakerClient)

const Serves = ({ serving }: { serving: readonly Serving[] }) =>
  serving.length === 0 ? null : (
    <Alert type="warning">
      {serving.map((one) => one.endpoint).join(", ")} {serving.length === 1 ? "serves" : "serve"} it, and will go on: an
      endpoint keeps what it serves.
    </Alert>
  )

type Gone = {
  title: string
  /** What is said when it is done. */
  said: string
  /** The page that is shown then: the thing's own is gone. */
  back: string
  work: () => Promise<unknown>
  /** What goes with it, and what stays. */
  children: ReactNode
  serving: readonly Serving[]
  typed?: string
  onNo: () => void
}

function Delete({ title, said, back, work, children, serving, typed, onNo }: Gone) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      await work()
      await navigate(back)
    },
    said,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={title}
      verb="Delete"
      typed={typed}
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      <SpaceBetween size="s">
        <span>{children}</span>
        <Serves serving={serving} />
      </SpaceBetween>
    </Confirm>
  )
}

type GroupProps = { name: string; versions: number; serving: readonly Serving[]; onNo: () => void }

export function DeleteGroup({ name, versions, serving, onNo }: GroupProps) {
  const work = async () => {
    // A group with versions cannot be deleted: they go first, also those that came since the page was read.
    for (const one of await versionsOf(name))
      await sagemaker().send(new DeleteModelPackageCommand({ ModelPackageName: one.ModelPackageArn }))
    await sagemaker().send(new DeleteModelPackageGroupCommand({ ModelPackageGroupName: name }))
  }
  return (
    <Delete
      title={`Delete the group ${name}?`}
      said={`The group ${name} is deleted`}
      back="/models"
      typed={name}
      {...{ work, serving, onNo }}
    >
      {versions === 0
        ? "It has no versions."
        : `Its ${versions === 1 ? "version" : `${count(versions)} versions`}, with their metrics, approvals and cards, ${versions === 1 ? "is" : "are"} deleted with it. That cannot be undone.`}
    </Delete>
  )
}

type VersionProps = { arn: string; called: string; back: string; serving: readonly Serving[]; onNo: () => void }

export function DeleteVersion({ arn, called, ...rest }: VersionProps) {
  return (
    <Delete
      title={`Delete ${called}?`}
      said={`${called} is deleted`}
      work={() => sagemaker().send(new DeleteModelPackageCommand({ ModelPackageName: arn }))}
      {...rest}
    >
      Its metrics and decisions go with it, and its number is not given out again. Models made of it stay.
    </Delete>
  )
}

export function DeleteModel({ name, ...rest }: { name: string; serving: readonly Serving[]; onNo: () => void }) {
  return (
    <Delete
      title={`Delete the model ${name}?`}
      said={`The model ${name} is deleted`}
      back="/models"
      work={() => sagemaker().send(new DeleteModelCommand({ ModelName: name }))}
      {...rest}
    >
      Its data in S3 stays.
    </Delete>
  )
}
