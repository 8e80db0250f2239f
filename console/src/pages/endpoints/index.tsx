import "./endpoints.css"
import { Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { EndpointPage } from "./endpoint"
import { EndpointList } from "./list"

export default function Endpoints() {
  return (
    <Routes>
      <Route index element={<EndpointList />} />
      <Route path=":name" element={<EndpointPage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
