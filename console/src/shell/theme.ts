/** Dark or light: what the person chose, else what the system prefers. */
import { applyMode, Mode } from "@cloudscape-design/global-styles"
import { useSyncExternalStore } from "react"

export type Theme = "light" | "dark"
const PLACE = "clary.theme" // a taste, no secret: it may outlive the session
const system = matchMedia("(prefers-color-scheme: dark)")
const listeners = new Set<() => void>()

export function theme(): Theme {
  const chosen = localStorage.getItem(PLACE)
  if (chosen === "light" || chosen === "dark") return chosen
  return system.matches ? "dark" : "light"
}

export function applyTheme(): void {
  applyMode(theme() === "dark" ? Mode.Dark : Mode.Light)
  document.documentElement.dataset.theme = theme()
  document.documentElement.style.colorScheme = theme()
  for (const listener of listeners) listener()
}

export function chooseTheme(next: Theme): void {
  localStorage.setItem(PLACE, next)
  applyTheme()
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, theme)
}

system.addEventListener("change", applyTheme)
