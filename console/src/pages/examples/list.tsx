import ContentLayout from "@cloudscape-design/components/content-layout"
import Header from "@cloudscape-design/components/header"
import { usePage } from "@/shell/title"
import { ExampleCards } from "./cards"

export function ExampleList() {
  usePage([{ text: "Examples", href: "/examples" }])
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="Each goes the whole road on this server, from raw data to a model that answers. One click starts it, another removes all of it."
        >
          Examples
        </Header>
      }
    >
      <ExampleCards />
    </ContentLayout>
  )
}
