/**
 * Deploys a version of the registry, or a model, at a new endpoint or one that is there; stays open until it serves, or
 * says why not.
 *
 *     <Deploy packageArn={arn} onDone={(endpoint) => ...} onDismiss={() => ...} />
 *     <Deploy model={name} onDismiss={...} />
 */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Modal from "@cloudscape-design/components/modal"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { type ReactNode, useState } from "react"
import { inWords } from "@/aws/live"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Fields } from "./fields"
import { type Asked, type Known, learn } from "./learn"
import { type Now, problems } from "./plan"
import { Progress } from "./progress"
import { begin } from "./run"

type Props = Asked & {
  /** The endpoint that is suggested; else one that serves the group already, or a new one. */
  endpoint?: string
  /** Called once the endpoint serves it; the dialog stays open until it is dismissed. */
  onDone?: (endpoint: string) => void
  onDismiss: () => void
}

export function Deploy({ onDone, onDismiss, endpoint, ...asked }: Props) {
  const known = useQuery({
    queryKey: ["deploy", asked, endpoint],
    queryFn: () => learn(asked, endpoint),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  if (known.data) return <Filled known={known.data} onDone={onDone} onDismiss={onDismiss} />
  return (
    <Frame title="Deploy" onDismiss={onDismiss}>
      {known.error ? <Problem error={known.error} again={() => void known.refetch()} /> : <Waiting />}
    </Frame>
  )
}

type FilledProps = { known: Known; onDone: ((endpoint: string) => void) | undefined; onDismiss: () => void }

function Filled({ known, onDone, onDismiss }: FilledProps) {
  const [wanted, setWanted] = useState(known.wanted)
  const [now, setNow] = useState<Now | undefined>(known.now)
  const [tried, setTried] = useState(false)
  const queries = useQueryClient()
  const act = useMutation({
    mutationFn: () => begin(known.what, wanted, known.tags),
    onSuccess: () => queries.invalidateQueries(),
  })
  const names = known.endpoints.map((one) => one.name)
  const wrong = problems(wanted, known.what, names)
  const deploy = () => {
    setTried(true)
    if (Object.keys(wrong).length === 0 && !known.refused && !act.isPending) act.mutate()
  }
  if (act.data)
    return (
      <Frame
        title={known.title}
        onDismiss={onDismiss}
        actions={
          <Button variant="primary" onClick={onDismiss}>
            Close
          </Button>
        }
      >
        <Progress begun={act.data} known={known} onDone={onDone} />
      </Frame>
    )
  return (
    <Frame
      title={known.title}
      onDismiss={onDismiss}
      actions={
        <>
          <Button variant="link" onClick={onDismiss}>
            Cancel
          </Button>
          <Button variant="primary" onClick={deploy} loading={act.isPending} disabled={known.refused !== ""}>
            Deploy
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          deploy()
        }}
      >
        <SpaceBetween size="l">
          {known.refused && (
            <Alert type="warning" header="It must be approved first">
              {known.refused}
            </Alert>
          )}
          {act.error && (
            <Alert type="error" header="It was not deployed">
              {inWords(act.error)}
            </Alert>
          )}
          <Fields
            known={known}
            wanted={wanted}
            now={now}
            wrong={tried ? wrong : {}}
            onChange={(change) => setWanted((before) => ({ ...before, ...change }))}
            onNow={setNow}
          />
        </SpaceBetween>
      </form>
    </Frame>
  )
}

type FrameProps = { title: string; onDismiss: () => void; actions?: ReactNode; children: ReactNode }

function Frame({ title, onDismiss, actions, children }: FrameProps) {
  return (
    <Modal
      visible
      size="large"
      header={title}
      onDismiss={({ detail }) => detail.reason !== "overlay" && onDismiss()}
      closeAriaLabel="Close"
      footer={
        actions && (
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              {actions}
            </SpaceBetween>
          </Box>
        )
      }
    >
      {children}
    </Modal>
  )
}
