import { usePage } from "@/shell/title"

export default function Area() {
  usePage([{ text: "users", href: "/operate/users" }])
  return <h1>users</h1>
}
