/** Users and roles: who may do what. */
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { Route, Routes, useSearchParams } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { GroupPage } from "./group"
import { Groups, Policies, Roles, Users } from "./lists"
import { PolicyPage } from "./policy"
import { RolePage } from "./role"
import { UserPage } from "./user"

const SCROLL = { scrollLeftAriaLabel: "Tabs further left", scrollRightAriaLabel: "Tabs further right" }

export default function UsersAndRoles() {
  return (
    <Routes>
      <Route index element={<All />} />
      <Route path="users/:name" element={<UserPage />} />
      <Route path="groups/:name" element={<GroupPage />} />
      <Route path="roles/:name" element={<RolePage />} />
      <Route path="policy" element={<PolicyPage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}

function All() {
  usePage([{ text: "Users and roles", href: "/operate/users" }])
  const [params, setParams] = useSearchParams()
  const view = params.get("view") ?? "users"
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Who may do what. Policies decide; the owner of the home may everything.">
        Users and roles
      </Header>
      <Tabs
        i18nStrings={SCROLL}
        ariaLabel="Users and roles"
        activeTabId={["groups", "roles", "policies"].includes(view) ? view : "users"}
        onChange={({ detail }) => setParams(detail.activeTabId === "users" ? {} : { view: detail.activeTabId })}
        tabs={[
          { id: "users", label: "Users", content: <Users /> },
          { id: "groups", label: "Groups", content: <Groups /> },
          { id: "roles", label: "Roles", content: <Roles /> },
          { id: "policies", label: "Policies", content: <Policies /> },
        ]}
      />
    </SpaceBetween>
  )
}
