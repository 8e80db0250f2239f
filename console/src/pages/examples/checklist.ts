/** From the raw data to a request: what is done, what goes on, what waits for the person. Pure. */
import { bytes, count, nameOf } from "@/parts/format"
import type { Found } from "./found"

export type State = "done" | "now" | "you" | "later" | "failed"
export type Item = {
  id: string
  title: string
  state: State
  /** What was observed, or what to do. */
  detail: string
  link?: { text: string; to: string; external?: boolean }
}

/** `doing`: what a start in this tab is at. */
export function checklist(found: Found | undefined, doing = ""): Item[] {
  const parts = [uploaded, created, ran, registered, approved, deployed, paged, asked]
  const items = parts.map((part) => part(found))
  // While this tab makes things, the first that is not done goes on.
  const next = items.findIndex((one) => one.state !== "done")
  if (doing && next >= 0 && next <= 2)
    return items.map((one, at) => (at === next ? { ...one, state: "now", detail: doing } : one))
  return items
}

export const doneOf = (items: readonly Item[]): number => items.filter((one) => one.state === "done").length

/** Something goes on by itself, so that it is worth looking often. */
export const moves = (items: readonly Item[]): boolean => items.some((one) => one.state === "now")

function uploaded(found: Found | undefined): Item {
  const item = { id: "uploaded", title: "Data and code uploaded" }
  if (!found?.bucket) return { ...item, state: "later", detail: "Into a bucket of its own" }
  const { there, of, bytes: size } = found.files
  const link = { text: found.bucket, to: `/data/s3/${found.bucket}` }
  if (there < of || of === 0)
    return { ...item, state: "you", detail: `${there} of ${of} files: start it again to go on`, link }
  return { ...item, state: "done", detail: `${count(there)} files, ${bytes(size)}`, link }
}

function created(found: Found | undefined): Item {
  const item = { id: "created", title: "Pipeline created" }
  if (!found?.pipeline || !found.name) return { ...item, state: "later", detail: "With a role and a group of versions" }
  return { ...item, state: "done", detail: "", link: { text: found.name, to: `/pipelines/${found.name}` } }
}

function ran(found: Found | undefined): Item {
  const item = { id: "ran", title: "Pipeline run" }
  const run = found?.execution
  if (!found?.name || !run) return { ...item, state: "later", detail: "From the raw data to a judged model" }
  const to = `/pipelines/${found.name}/executions/${nameOf(run.PipelineExecutionArn)}`
  const link = { text: "The run", to }
  const { over, now, failed } = found.steps
  switch (run.PipelineExecutionStatus) {
    case "Succeeded":
      return { ...item, state: "done", detail: "It succeeded", link }
    case "Failed":
    case "Stopped": {
      const why = failed ? `${failed.name}: ${failed.why}` : (run.PipelineExecutionFailureReason ?? "")
      const words = run.PipelineExecutionStatus === "Failed" ? "It failed" : "It was stopped"
      return { ...item, state: "failed", detail: why ? `${words}. ${why}` : words, link }
    }
    default:
      return {
        ...item,
        state: "now",
        detail: now.length ? `${over} ${over === 1 ? "step" : "steps"} done, now ${now.join(", ")}` : "It starts",
        link,
      }
  }
}

function versionLink(found: Found, number: number | undefined) {
  return { text: `${found.name}, version ${number}`, to: `/models/${found.name}/${number}` }
}

function registered(found: Found | undefined): Item {
  const item = { id: "registered", title: "Model registered" }
  const newest = found?.versions[0]
  if (!found || !newest) return { ...item, state: "later", detail: "As a version that waits for approval" }
  return { ...item, state: "done", detail: "", link: versionLink(found, newest.ModelPackageVersion) }
}

function approved(found: Found | undefined): Item {
  const item = { id: "approved", title: "Approved by you" }
  const newest = found?.versions[0]
  if (!found || !newest) return { ...item, state: "later", detail: "Nothing is served that nobody has approved" }
  const good = found.versions.find((one) => one.ModelApprovalStatus === "Approved")
  if (good) return { ...item, state: "done", detail: "", link: versionLink(found, good.ModelPackageVersion) }
  const link = versionLink(found, newest.ModelPackageVersion)
  if (newest.ModelApprovalStatus === "Rejected")
    return { ...item, state: "failed", detail: "The version was rejected. Approve it, or run the pipeline again", link }
  return { ...item, state: "you", detail: "Look at its metrics, then approve it", link }
}

function deployed(found: Found | undefined): Item {
  const item = { id: "deployed", title: "Deployed" }
  const good = found?.versions.find((one) => one.ModelApprovalStatus === "Approved")
  const endpoint = serving(found) ?? found?.endpoints[0]
  if (found && endpoint) {
    const link = { text: endpoint.EndpointName ?? "", to: `/endpoints/${endpoint.EndpointName}` }
    if (endpoint.EndpointStatus === "InService") return { ...item, state: "done", detail: "In service", link }
    if (endpoint.EndpointStatus === "Failed") return { ...item, state: "failed", detail: "The endpoint failed", link }
    return { ...item, state: "now", detail: `The endpoint is ${endpoint.EndpointStatus}`, link }
  }
  if (found && good)
    return {
      ...item,
      state: "you",
      detail: "Deploy it from its page",
      link: versionLink(found, good.ModelPackageVersion),
    }
  return { ...item, state: "later", detail: "An endpoint answers requests with it" }
}

const serving = (found: Found | undefined) => found?.endpoints.find((one) => one.EndpointStatus === "InService")

function paged(found: Found | undefined): Item {
  const item = { id: "page", title: "Its page made" }
  if (found?.page)
    return {
      ...item,
      state: "done",
      detail: "",
      link: { text: "Open the page", to: `/apps/${found.page}`, external: true },
    }
  const endpoint = serving(found)?.EndpointName
  if (!endpoint) return { ...item, state: "later", detail: "A form that you may give to anybody" }
  return {
    ...item,
    state: "you",
    detail: "Make it from the endpoint",
    link: { text: endpoint, to: `/endpoints/${endpoint}` },
  }
}

function asked(found: Found | undefined): Item {
  const item = { id: "traffic", title: "Traffic seen" }
  const endpoint = serving(found)?.EndpointName
  if (!endpoint) return { ...item, state: "later", detail: "Requests, latencies and errors" }
  const link = { text: "The endpoint's traffic", to: `/endpoints/${endpoint}` }
  const seen = found?.invocations ?? 0
  if (seen > 0) return { ...item, state: "done", detail: `${count(seen)} ${seen === 1 ? "request" : "requests"}`, link }
  return { ...item, state: "you", detail: "Try it: what you ask is counted within seconds", link }
}
