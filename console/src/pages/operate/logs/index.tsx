import { usePage } from "@/shell/title"

export default function Area() {
  usePage([{ text: "logs", href: "/operate/logs" }])
  return <h1>logs</h1>
}
