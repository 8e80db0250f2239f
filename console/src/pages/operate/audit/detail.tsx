/** One event, with CloudTrail's own record. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Modal from "@cloudscape-design/components/modal"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useLive } from "@/aws/live"
import { Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { event, recordOf, who } from "./reads"

export function Detail({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useLive(["audit-event", id], () => event(id), { every: false })
  const record = data ? recordOf(data) : {}
  return (
    <Modal
      visible
      size="large"
      header={data?.EventName ?? "Event"}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </Box>
      }
    >
      {error ? (
        <Problem error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting what="Reading the event" />
      ) : data === null ? (
        <Box>It is not there (any more): events are kept for 90 days.</Box>
      ) : (
        <SpaceBetween size="m">
          <Facts
            columns={3}
            facts={[
              ["When", <Instant key="when" when={data.EventTime} />],
              ["Who", who(data)],
              ["From", record.sourceIPAddress],
              ["Service", record.eventSource],
              ["Access key", data.AccessKeyId],
              ["Outcome", record.errorCode ? `${record.errorCode}: ${record.errorMessage ?? ""}` : "Done"],
            ]}
          />
          <Json value={record} label="Record" />
        </SpaceBetween>
      )}
    </Modal>
  )
}
