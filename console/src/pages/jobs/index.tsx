import { usePage } from "@/shell/title"

export default function Jobs() {
  usePage([{ text: "Jobs", href: "/jobs" }])
  return <h1>Jobs</h1>
}
