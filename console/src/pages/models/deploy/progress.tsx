/** A deployment that is on its way: what was made, how the endpoint stands, and why when it does not come up. */
import { DescribeEndpointCommand, type DescribeEndpointOutput, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Steps from "@cloudscape-design/components/steps"
import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef, useState } from "react"
import { aws } from "@/aws/client"
import { FAST_MS, inWords } from "@/aws/live"
import { count, words } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { To } from "@/shell/link"
import type { Known } from "./learn"
import { type Begun, standOf, tagServed } from "./run"

type Props = { begun: Begun; known: Known; onDone: ((endpoint: string) => void) | undefined }

export function Progress({ begun, known, onDone }: Props) {
  const looked = useQuery({
    queryKey: ["deploying", begun.endpoint, begun.config],
    queryFn: () => aws(SageMakerClient).send(new DescribeEndpointCommand({ EndpointName: begun.endpoint })),
    refetchInterval: ({ state }) => (state.data && standOf(begun, state.data).phase !== "moving" ? false : FAST_MS),
  })
  const stand = looked.data ? standOf(begun, looked.data) : { phase: "moving" as const, words: "" }
  const untagged = useDone(begun, known, looked.data?.EndpointArn, stand.phase === "done", onDone)
  const status = stand.phase === "done" ? "success" : stand.phase === "failed" ? "error" : "in-progress"
  return (
    <SpaceBetween size="m">
      <Steps
        ariaLabel="What was done"
        steps={[
          ...("model" in known.what ? [] : [{ status: "success" as const, header: "Model", details: begun.model }]),
          { status: "success", header: "Configuration", details: begun.config },
          {
            status,
            statusIconAriaLabel: words(looked.data?.EndpointStatus),
            header: begun.fresh ? "Endpoint" : "Update of the endpoint",
            details: <Standing said={looked.data} />,
          },
        ]}
      />
      {looked.error && <Problem error={looked.error} again={() => void looked.refetch()} />}
      {stand.phase === "moving" && (
        <Box color="text-body-secondary">You may close this: it goes on, and the endpoint's page shows how.</Box>
      )}
      {stand.phase === "done" && (
        <Alert type="success" header={`${begun.endpoint} serves it`}>
          <To to={`/endpoints/${begun.endpoint}`}>Open the endpoint and try it</To>
        </Alert>
      )}
      {untagged && (
        <Alert type="warning" header="The endpoint's tags do not name this version">
          {untagged}
        </Alert>
      )}
      {stand.phase === "failed" && (
        <Alert type="error" header={begun.fresh ? "The endpoint did not come up" : "The update did not go through"}>
          <SpaceBetween size="xs">
            <span className="clary-break">{stand.words}</span>
            <To to={`/endpoints/${begun.endpoint}`}>Open the endpoint with its logs</To>
          </SpaceBetween>
        </Alert>
      )}
    </SpaceBetween>
  )
}

function Standing({ said }: { said: DescribeEndpointOutput | undefined }) {
  if (!said) return <>–</>
  const variants = said.PendingDeploymentSummary?.ProductionVariants ?? said.ProductionVariants ?? []
  return (
    <>
      <div>
        {said.EndpointName}: {words(said.EndpointStatus)}
      </div>
      {variants.map((one) => {
        const told = "VariantStatus" in one ? one.VariantStatus?.at(-1)?.StatusMessage : undefined
        return (
          <Box key={one.VariantName} color="text-body-secondary">
            {one.VariantName}: {count(one.CurrentInstanceCount ?? 0)}
            {one.DesiredInstanceCount === undefined ? "" : ` of ${count(one.DesiredInstanceCount)}`} instances answer
            {told ? ` · ${told}` : ""}
          </Box>
        )
      })}
    </>
  )
}

/** Once it serves: the endpoint's tags name it, and whoever asked is told. Why the tags could not be set, in words. */
function useDone(
  begun: Begun,
  known: Known,
  arn: string | undefined,
  done: boolean,
  onDone: ((endpoint: string) => void) | undefined,
): string {
  const [untagged, setUntagged] = useState("")
  const told = useRef(false)
  const queries = useQueryClient()
  useEffect(() => {
    if (!done || told.current || arn === undefined) return
    told.current = true
    void queries.invalidateQueries() // what serves where has changed, on every page
    onDone?.(begun.endpoint)
    // A new endpoint has its tags from the beginning; one that serves several versions is named after none of them.
    if (!begun.fresh && !begun.beside)
      tagServed(arn, known.what, known.tags).catch((error: unknown) => setUntagged(inWords(error)))
  }, [done, arn, begun, known, onDone, queries])
  return untagged
}
