/** Examples: the whole road to look at, started with one click and removed with another. */
import { Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { ExamplePage } from "./example"
import { ExampleList } from "./list"

export default function Examples() {
  return (
    <Routes>
      <Route index element={<ExampleList />} />
      <Route path=":name" element={<ExamplePage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
