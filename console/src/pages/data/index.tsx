import { usePage } from "@/shell/title"

export default function Data() {
  usePage([{ text: "Data", href: "/data" }])
  return <h1>Data</h1>
}
