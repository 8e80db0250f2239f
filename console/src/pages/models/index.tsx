/** Models: groups and their versions, models of their own. */
import { Route, Routes, useParams } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { GroupPage } from "./group"
import { Models } from "./list"
import { SinglePage } from "./single"
import { VersionPage } from "./version"

export default function ModelPages() {
  return (
    <Routes>
      <Route index element={<Models />} />
      <Route path="single/:name" element={<Single />} />
      <Route path="package/:name" element={<Alone />} />
      <Route path=":group" element={<Group />} />
      <Route path=":group/:version" element={<OfGroup />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}

// Another resource is another page: nothing of the last one's state is carried over.
function Single() {
  const { name = "" } = useParams()
  return <SinglePage key={name} name={name} />
}

function Alone() {
  const { name = "" } = useParams()
  return <VersionPage key={name} group="" version="" name={name} />
}

function Group() {
  const { group = "" } = useParams()
  return <GroupPage key={group} name={group} />
}

function OfGroup() {
  const { group = "", version = "" } = useParams()
  return <VersionPage key={`${group}/${version}`} group={group} version={version} name={`${group}/${version}`} />
}
