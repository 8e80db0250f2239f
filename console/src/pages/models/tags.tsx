/** The tags of a resource, shown and changed. */
import { AddTagsCommand, DeleteTagsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import AttributeEditor from "@cloudscape-design/components/attribute-editor"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import { type ReactNode, useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Dialog } from "@/parts/dialog"
import { Facts } from "@/parts/facts"
import type { Tags } from "./rules"

type Props = { arn: string; tags: Tags | undefined; hint?: ReactNode }

export function TagsPanel({ arn, tags, hint }: Props) {
  const [editing, setEditing] = useState(false)
  const pairs = Object.entries(tags ?? {}).sort(([a], [b]) => a.localeCompare(b))
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={tags ? `(${pairs.length})` : undefined}
          description={hint}
          actions={
            <Button onClick={() => setEditing(true)} disabled={tags === undefined}>
              Change tags
            </Button>
          }
        >
          Tags
        </Header>
      }
    >
      {pairs.length ? (
        <Facts
          facts={pairs.map(([key, value]) => [
            key,
            <span key={key} className="clary-break">
              {value}
            </span>,
          ])}
        />
      ) : (
        <Box color="text-body-secondary">No tags.</Box>
      )}
      {editing && tags && <Editor arn={arn} tags={tags} onDone={() => setEditing(false)} />}
    </Container>
  )
}

type Pair = { key: string; value: string }

function Editor({ arn, tags, onDone }: { arn: string; tags: Tags; onDone: () => void }) {
  const [pairs, setPairs] = useState<Pair[]>(
    Object.entries(tags)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, value]) => ({ key, value })),
  )
  const change = (at: number, next: Partial<Pair>) =>
    setPairs((now) => now.map((one, index) => (index === at ? { ...one, ...next } : one)))
  const act = useAct(
    async () => {
      const keys = new Set(pairs.map((one) => one.key))
      const gone = Object.keys(tags).filter((key) => !keys.has(key))
      const changed = pairs.filter((one) => one.key && tags[one.key] !== one.value)
      if (changed.length)
        await aws(SageMakerClient).send(
          new AddTagsCommand({ ResourceArn: arn, Tags: changed.map(({ key, value }) => ({ Key: key, Value: value })) }),
        )
      if (gone.length) await aws(SageMakerClient).send(new DeleteTagsCommand({ ResourceArn: arn, TagKeys: gone }))
      onDone()
    },
    "The tags are changed",
    { errorsHere: true },
  )
  const twice = pairs.some((one, at) => pairs.findIndex((other) => other.key === one.key) !== at)
  return (
    <Dialog
      size="large"
      title="Tags"
      verb="Save"
      busy={act.isPending}
      disabled={twice || pairs.some((one) => !one.key)}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      {twice && <Alert type="warning">A key stands there twice.</Alert>}
      <AttributeEditor
        items={pairs}
        addButtonText="Add a tag"
        removeButtonText="Remove"
        removeButtonAriaLabel={(one) => `Remove ${one.key || "the empty tag"}`}
        empty="No tags."
        onAddButtonClick={() => setPairs((now) => [...now, { key: "", value: "" }])}
        onRemoveButtonClick={({ detail }) => setPairs((now) => now.filter((_, at) => at !== detail.itemIndex))}
        definition={[
          {
            label: "Key",
            control: (one, at) => (
              <Input value={one.key} onChange={({ detail }) => change(at, { key: detail.value })} spellcheck={false} />
            ),
          },
          {
            label: "Value",
            control: (one, at) => (
              <Input
                value={one.value}
                onChange={({ detail }) => change(at, { value: detail.value })}
                spellcheck={false}
              />
            ),
          },
        ]}
      />
    </Dialog>
  )
}
