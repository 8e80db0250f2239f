/** Every area of the console, each loaded when it is first seen. An area's own routes stand in its folder. */
import { lazy } from "react"
import { Route, Routes } from "react-router"
import { Nowhere } from "./nowhere"

const Home = lazy(() => import("@/pages/home"))
const Examples = lazy(() => import("@/pages/examples"))
const Pipelines = lazy(() => import("@/pages/pipelines"))
const Jobs = lazy(() => import("@/pages/jobs"))
const Models = lazy(() => import("@/pages/models"))
const Endpoints = lazy(() => import("@/pages/endpoints"))
const Data = lazy(() => import("@/pages/data"))
const Operate = lazy(() => import("@/pages/operate"))

export function Pages() {
  return (
    <Routes>
      <Route index element={<Home />} />
      <Route path="examples/*" element={<Examples />} />
      <Route path="pipelines/*" element={<Pipelines />} />
      <Route path="jobs/*" element={<Jobs />} />
      <Route path="models/*" element={<Models />} />
      <Route path="endpoints/*" element={<Endpoints />} />
      <Route path="data/*" element={<Data />} />
      <Route path="operate/*" element={<Operate />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
