import { usePage } from "@/shell/title"

export default function Pipelines() {
  usePage([{ text: "Pipelines", href: "/pipelines" }])
  return <h1>Pipelines</h1>
}
