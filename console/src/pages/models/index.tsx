import { usePage } from "@/shell/title"

export default function Models() {
  usePage([{ text: "Models", href: "/models" }])
  return <h1>Models</h1>
}
