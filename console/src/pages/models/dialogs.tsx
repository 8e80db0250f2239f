/** Confirmations that say what goes with what is deleted. */
import {
  DeleteModelCommand,
  DeleteModelPackageCommand,
  DeleteModelPackageGroupCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { inWords, useAct } from "@/aws/live"
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

type GroupProps = { name: string; versions: number; serving: readonly Serving[]; onNo: () => void }

export function DeleteGroup({ name, versions, serving, onNo }: GroupProps) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      // A group with versions cannot be deleted: they go first, also those that came since the page was read.
      for (const one of await versionsOf(name))
        await sagemaker().send(new DeleteModelPackageCommand({ ModelPackageName: one.ModelPackageArn }))
      await sagemaker().send(new DeleteModelPackageGroupCommand({ ModelPackageGroupName: name }))
      await navigate("/models")
    },
    `The group ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete the group ${name}?`}
      verb="Delete"
      typed={name}
      busy={act.isPending}
      error={act.error ? inWords(act.error) : ""}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      <SpaceBetween size="s">
        <span>
          {versions === 0
            ? "It has no versions."
            : `Its ${versions === 1 ? "version" : `${count(versions)} versions`}, with their metrics, approvals and cards, ${versions === 1 ? "is" : "are"} deleted with it. That cannot be undone.`}
        </span>
        <Serves serving={serving} />
      </SpaceBetween>
    </Confirm>
  )
}

type VersionProps = { arn: string; called: string; back: string; serving: readonly Serving[]; onNo: () => void }

export function DeleteVersion({ arn, called, back, serving, onNo }: VersionProps) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      await sagemaker().send(new DeleteModelPackageCommand({ ModelPackageName: arn }))
      await navigate(back)
    },
    `${called} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete ${called}?`}
      verb="Delete"
      busy={act.isPending}
      error={act.error ? inWords(act.error) : ""}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      <SpaceBetween size="s">
        <span>
          Its metrics and decisions go with it, and its number is not given out again. Models made of it stay.
        </span>
        <Serves serving={serving} />
      </SpaceBetween>
    </Confirm>
  )
}

export function DeleteModel({ name, serving, onNo }: { name: string; serving: readonly Serving[]; onNo: () => void }) {
  const navigate = useNavigate()
  const act = useAct(
    async () => {
      await sagemaker().send(new DeleteModelCommand({ ModelName: name }))
      await navigate("/models")
    },
    `The model ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete the model ${name}?`}
      verb="Delete"
      busy={act.isPending}
      error={act.error ? inWords(act.error) : ""}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      <SpaceBetween size="s">
        <span>Its data in S3 stays.</span>
        <Serves serving={serving} />
      </SpaceBetween>
    </Confirm>
  )
}
