import { usePage } from "@/shell/title"

export default function Area() {
  usePage([{ text: "audit", href: "/operate/audit" }])
  return <h1>audit</h1>
}
