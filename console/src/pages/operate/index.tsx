import { usePage } from "@/shell/title"

export default function Operate() {
  usePage([{ text: "Operate", href: "/operate" }])
  return <h1>Operate</h1>
}
