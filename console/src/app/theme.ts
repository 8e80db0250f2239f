/** Dark or light: what the person chose, else what the system prefers. */
import { fill, h, ICONS, icon } from "./dom"

type Theme = "light" | "dark"
const PLACE = "clary.theme"
const system = matchMedia("(prefers-color-scheme: dark)")

function theme(): Theme {
  const chosen = localStorage.getItem(PLACE)
  if (chosen === "light" || chosen === "dark") return chosen
  return system.matches ? "dark" : "light"
}

export function themeButton(): HTMLButtonElement {
  const button = h("button", { type: "button", class: "round" })
  const apply = () => {
    const now = theme()
    const other: Theme = now === "dark" ? "light" : "dark"
    document.documentElement.dataset.theme = now
    button.setAttribute("aria-label", `Show the ${other} theme`)
    button.title = `Show the ${other} theme`
    fill(button, icon(now === "dark" ? ICONS.sun : ICONS.moon))
  }
  button.onclick = () => {
    localStorage.setItem(PLACE, theme() === "dark" ? "light" : "dark")
    apply()
  }
  system.addEventListener("change", apply)
  apply()
  return button
}
