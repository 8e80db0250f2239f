import { usePage } from "@/shell/title"

export default function Endpoints() {
  usePage([{ text: "Endpoints", href: "/endpoints" }])
  return <h1>Endpoints</h1>
}
