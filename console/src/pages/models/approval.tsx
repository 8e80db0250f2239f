/** The state of a version's approval. "Pending" says as much as the wire's word, and fits into a column. */
import { Status } from "@/parts/status"
import { PENDING } from "./packages"

export const Approval = ({ status }: { status: string | undefined }) => (
  <Status status={status} {...(status === PENDING ? { said: "Pending" } : {})} />
)
