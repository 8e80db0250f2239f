/**
 * Deploys a version of the registry, or a model, at a new endpoint or one that is there; stays open until it serves, or
 * says why not.
 *
 *     <Deploy packageArn={arn} onDone={(endpoint) => ...} onDismiss={() => ...} />
 *     <Deploy model={name} onDismiss={...} />
 */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { Dialog, DialogFrame } from "@/parts/dialog"
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
    <DialogFrame size="large" title="Deploy" onDismiss={unlessBeside(onDismiss)}>
      {known.error ? <Problem error={known.error} again={() => void known.refetch()} /> : <Waiting />}
    </DialogFrame>
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
    if (Object.keys(wrong).length === 0) act.mutate()
  }
  if (act.data)
    return (
      <DialogFrame
        size="large"
        title={known.title}
        onDismiss={unlessBeside(onDismiss)}
        actions={
          <Button variant="primary" onClick={onDismiss}>
            Close
          </Button>
        }
      >
        <Progress begun={act.data} known={known} onDone={onDone} />
      </DialogFrame>
    )
  return (
    <Dialog
      size="large"
      title={known.title}
      verb="Deploy"
      busy={act.isPending}
      disabled={known.refused !== ""}
      error={act.error}
      failed="It was not deployed"
      form
      onYes={deploy}
      onNo={unlessBeside(onDismiss)}
    >
      <SpaceBetween size="l">
        {known.refused && (
          <Alert type="warning" header="It must be approved first">
            {known.refused}
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
    </Dialog>
  )
}

/** A click beside it does not close it: what was chosen, and what is under way, stays in sight. */
const unlessBeside = (onDismiss: () => void) => (reason: string) => {
  if (reason !== "overlay") onDismiss()
}
