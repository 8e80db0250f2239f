/** Every page says what it is called and where it stands: the tab's title and the breadcrumbs. */
import { createContext, type ReactNode, useContext, useEffect, useState } from "react"

export type Crumb = { text: string; href: string }
const SetContext = createContext<(crumbs: Crumb[]) => void>(() => {})
const CrumbsContext = createContext<Crumb[]>([])

export function Crumbs({ children }: { children: ReactNode }) {
  const [crumbs, set] = useState<Crumb[]>([])
  return (
    <SetContext.Provider value={set}>
      <CrumbsContext.Provider value={crumbs}>{children}</CrumbsContext.Provider>
    </SetContext.Provider>
  )
}

export const useCrumbs = (): Crumb[] => useContext(CrumbsContext)

/** `usePage([{ text: "Pipelines", href: "/pipelines" }, { text: name, href: "" }])`, the page itself last. */
export function usePage(crumbs: Crumb[]): void {
  const set = useContext(SetContext)
  const said = JSON.stringify(crumbs)
  useEffect(() => {
    const read = JSON.parse(said) as Crumb[]
    set(read)
    document.title = `${[...read]
      .reverse()
      .map((one) => one.text)
      .join(" · ")} · Clary`
  }, [said, set])
}
