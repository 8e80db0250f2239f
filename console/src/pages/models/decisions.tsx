/** Who decided what about a version, when and why: as the registry keeps it. */

import { identity } from "@/parts/arn"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import type { Version } from "./packages"
import { type Decision, decisionsOf, type Rule } from "./rules"
import "./models.css"

export function Decisions({ version, rules }: { version: Version; rules: readonly Rule[] }) {
  const rows = decisionsOf(version.CustomerMetadataProperties)
  const waits = version.ModelApprovalStatus === "PendingManualApproval" ? version.ApprovalDescription : undefined
  return (
    <ResourceTable<Decision>
      title="Decisions"
      noFilter
      rows={rows}
      id={(one) => String(one.number)}
      description={
        waits ??
        (rules.length ? `To be approved: ${rules.map((one) => one.words).join(" ")}` : "The last five are shown.")
      }
      actions={<To to="/operate/audit?value=UpdateModelPackage">All of them in the audit log</To>}
      columns={[
        {
          id: "at",
          header: "When",
          cell: (one) => <Instant when={one.at} />,
          text: (one) => one.at,
          isRowHeader: true,
        },
        { id: "status", header: "Decision", cell: (one) => <Status status={one.status} />, text: (one) => one.status },
        { id: "by", header: "By", cell: (one) => <span title={one.by}>{identity(one.by)}</span> },
        {
          id: "comment",
          header: "Comment",
          cell: (one) => (
            <span className="clary-wrap">{full(one, rows[0] === one ? version.ApprovalDescription : undefined)}</span>
          ),
        },
      ]}
      empty={
        <Empty title="Nobody has decided yet">
          Approve or reject this version above; your comment is kept with the decision.
        </Empty>
      }
    />
  )
}

/** A long comment is kept short among the properties; that of the last decision stands whole in the description. */
export const full = (one: Decision, description: string | undefined): string =>
  (description?.startsWith(one.comment) && one.comment.length > 0 ? description : one.comment) || "–"
