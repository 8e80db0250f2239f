import { usePage } from "@/shell/title"

export default function Area() {
  usePage([{ text: "alarms", href: "/operate/alarms" }])
  return <h1>alarms</h1>
}
