import { usePage } from "@/shell/title"

export default function Home() {
  usePage([{ text: "Home", href: "/home" }])
  return <h1>Home</h1>
}
