import { usePage } from "@/shell/title"

export default function Examples() {
  usePage([{ text: "Examples", href: "/examples" }])
  return <h1>Examples</h1>
}
