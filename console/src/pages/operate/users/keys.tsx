/** The access keys of a user. The secret is told once, when the key is made. */
import {
  type AccessKey,
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Modal from "@cloudscape-design/components/modal"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useAct, useLive } from "@/aws/live"
import { endpoint, region } from "@/aws/place"
import { Confirm } from "@/parts/confirm"
import { Code, Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { iam, type Key, keysOf } from "./reads"

/** As many as AWS lets a user have: one to use, one to change over to. */
const MOST_KEYS = 2

export function Keys({ user }: { user: string }) {
  const { data, error, refetch } = useLive(["iam", "keys", user], () => keysOf(user))
  const [made, setMade] = useState<AccessKey | null>(null)
  const [deleting, setDeleting] = useState<Key | null>(null)
  const make = useAct(async () => {
    const answer = await iam().send(new CreateAccessKeyCommand({ UserName: user }))
    setMade(answer.AccessKey ?? null)
  })
  const turn = useAct(
    (key: Key) =>
      iam().send(
        new UpdateAccessKeyCommand({
          UserName: user,
          AccessKeyId: key.AccessKeyId,
          Status: key.Status === "Active" ? "Inactive" : "Active",
        }),
      ),
    (_, key) => `${key.AccessKeyId} is ${key.Status === "Active" ? "refused from now on" : "good again"}`,
  )
  const remove = useAct(
    async (key: Key) => {
      await iam().send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: key.AccessKeyId }))
      setDeleting(null)
    },
    (_, key) => `${key.AccessKeyId} is deleted`,
    { errorsHere: true },
  )
  const button = (
    <Button
      loading={make.isPending}
      disabled={(data?.length ?? 0) >= MOST_KEYS}
      disabledReason="A user has two keys at most: delete one first."
      onClick={() => make.mutate(undefined)}
    >
      Create access key
    </Button>
  )
  return (
    <>
      <ResourceTable<Key>
        title="Access keys"
        rows={data}
        error={error}
        again={() => void refetch()}
        id={(one) => one.AccessKeyId ?? ""}
        noFilter
        wrap
        actions={button}
        columns={[
          {
            id: "id",
            header: "Key",
            isRowHeader: true,
            cell: (one) => <Copy text={one.AccessKeyId ?? ""} shown={one.AccessKeyId} label="Copy the id" />,
          },
          { id: "state", header: "State", cell: (one) => <Status status={one.Status} /> },
          { id: "made", header: "Made", cell: (one) => <Ago when={one.CreateDate} /> },
          {
            id: "used",
            header: "Last used",
            cell: (one) =>
              one.used ? (
                <>
                  <Ago when={one.used} /> {one.where && one.where !== "N/A" && `for ${one.where}`}
                </>
              ) : (
                "Never"
              ),
          },
          {
            id: "acts",
            header: "Actions",
            cell: (one) => (
              <SpaceBetween direction="horizontal" size="s">
                <Button
                  variant="inline-link"
                  onClick={() => turn.mutate(one)}
                  ariaLabel={`${one.Status === "Active" ? "Deactivate" : "Activate"} ${one.AccessKeyId}`}
                >
                  {one.Status === "Active" ? "Deactivate" : "Activate"}
                </Button>
                <Button variant="inline-link" onClick={() => setDeleting(one)} ariaLabel={`Delete ${one.AccessKeyId}`}>
                  Delete
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
        empty={
          <Empty title="No access key" action={button}>
            With a key the user signs in here, and any AWS client acts as the user.
          </Empty>
        }
      />
      {made && <Made access={made} onClose={() => setMade(null)} />}
      {deleting && (
        <Confirm
          title={`Delete the key ${deleting.AccessKeyId}?`}
          verb="Delete"
          busy={remove.isPending}
          error={remove.error}
          onYes={() => remove.mutate(deleting)}
          onNo={() => setDeleting(null)}
        >
          Whoever signs with it is refused from the next request on. It cannot be made again.
        </Confirm>
      )}
    </>
  )
}

const environment = (access: AccessKey): string =>
  [
    `export AWS_ENDPOINT_URL=${endpoint()}`,
    `export AWS_DEFAULT_REGION=${region()}`,
    `export AWS_ACCESS_KEY_ID=${access.AccessKeyId}`,
    `export AWS_SECRET_ACCESS_KEY=${access.SecretAccessKey}`,
  ].join("\n")

function Made({ access, onClose }: { access: AccessKey; onClose: () => void }) {
  return (
    <Modal
      visible
      header="The access key is made"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onClose}>
            I have kept it
          </Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">The secret is shown now and never again.</Alert>
        <Facts
          columns={1}
          facts={[
            [
              "Access key id",
              <Copy key="id" text={access.AccessKeyId ?? ""} shown={access.AccessKeyId} label="Copy the id" />,
            ],
            [
              "Secret access key",
              <Copy
                key="secret"
                text={access.SecretAccessKey ?? ""}
                shown={access.SecretAccessKey}
                label="Copy the secret"
              />,
            ],
          ]}
        />
        <ExpandableSection headerText="For a shell">
          <Code text={environment(access)} label="Environment" />
        </ExpandableSection>
      </SpaceBetween>
    </Modal>
  )
}
