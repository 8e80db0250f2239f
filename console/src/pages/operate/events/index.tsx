import { usePage } from "@/shell/title"

export default function Area() {
  usePage([{ text: "events", href: "/operate/events" }])
  return <h1>events</h1>
}
