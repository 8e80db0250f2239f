/** The frame of a page of users, groups, roles and policies: its place, its name, and the way to delete it. */
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { type ReactNode, useState } from "react"
import { useNavigate } from "react-router"
import { isMissing, useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"

type ReadProps<T> = {
  what: string
  view: string
  many: string
  name: string
  found: { data: T | null | undefined; error: Error | null; refetch: () => unknown }
  children: (data: T) => ReactNode
}

export function Read<T>({ what, view, many, name, found, children }: ReadProps<T>) {
  usePage([
    { text: "Users and roles", href: "/operate/users" },
    { text: many, href: `/operate/users?view=${view}` },
    { text: name, href: "" },
  ])
  const { data, error, refetch } = found
  if (data === null || (error && isMissing(error))) return <Nowhere what={`The ${what} ${name}`} />
  if (error && data === undefined) return <Problem error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting what={`Reading ${name}`} />
  return children(data)
}

type FrameProps = {
  what: string
  view: string
  name: string
  description?: string
  /** What goes with it, said before it is deleted. */
  goes: ReactNode
  remove?: () => Promise<unknown>
  children: ReactNode
}

export function Frame({ what, view, name, description, goes, remove, children }: FrameProps) {
  const navigate = useNavigate()
  const [asking, setAsking] = useState(false)
  const act = useAct(
    async () => {
      await remove?.()
      await navigate(`/operate/users?view=${view}`)
    },
    `The ${what} ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Container
      header={
        <Header
          variant="h1"
          description={description}
          actions={remove && <Button onClick={() => setAsking(true)}>Delete</Button>}
        >
          {name}
        </Header>
      }
    >
      {children}
      {asking && (
        <Confirm
          title={`Delete the ${what} ${name}?`}
          verb="Delete"
          typed={name}
          busy={act.isPending}
          error={act.error}
          onYes={() => act.mutate(undefined)}
          onNo={() => setAsking(false)}
        >
          {goes}
        </Confirm>
      )}
    </Container>
  )
}

/** "its 2 access keys, its group and its policy": what goes with a thing; empty where nothing does. */
export function listed(parts: readonly [number, string, string][]): string {
  const found = parts.filter(([n]) => n > 0).map(([n, one, many]) => (n === 1 ? `one ${one}` : `${n} ${many}`))
  return found.length < 2 ? found.join("") : `${found.slice(0, -1).join(", ")} and ${found.at(-1)}`
}
