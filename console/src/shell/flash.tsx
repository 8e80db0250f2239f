/** What the console says after something was done: a bar at the top that goes by itself when all is well. */
import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar"
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react"

type Flash = { type: FlashbarProps.Type; content: ReactNode; header?: ReactNode; action?: ReactNode }
type Say = (flash: Flash) => void

const GONE_AFTER_MS = 6_000
const SayContext = createContext<Say>(() => {})
const ItemsContext = createContext<FlashbarProps.MessageDefinition[]>([])

export const useFlash = (): Say => useContext(SayContext)

export function Flashes({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([])
  const drop = useCallback((id: string) => setItems((now) => now.filter((one) => one.id !== id)), [])
  const say = useCallback<Say>(
    (flash) => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join("-")
      const item = { ...flash, id, dismissible: true, dismissLabel: "Dismiss", onDismiss: () => drop(id) }
      setItems((now) => [item, ...now].slice(0, 4))
      if (flash.type === "success" || flash.type === "info") setTimeout(() => drop(id), GONE_AFTER_MS)
    },
    [drop],
  )
  return (
    <SayContext.Provider value={say}>
      <ItemsContext.Provider value={items}>{children}</ItemsContext.Provider>
    </SayContext.Provider>
  )
}

export function FlashList() {
  const items = useContext(ItemsContext)
  return useMemo(() => <Flashbar items={items} />, [items])
}
