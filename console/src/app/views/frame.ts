/** The head and the foot of the page. */

import { filesName, save } from "../../parts/save"
import { type Child, fill, h } from "../dom"
import type { Client } from "../logic/client"
import { told } from "../logic/failure"
import { themeButton } from "../theme"

export function frame(title: string, description: string, ...buttons: Child[]): HTMLElement {
  const tools = h("div", { class: "row tools" }, ...buttons, themeButton())
  return h("header", {}, h("h1", {}, title), tools, description && h("p", { class: "lead" }, description))
}

/** `source`: whether the page's source is offered. */
export function footer(client: Client, source: boolean, ...more: Child[]): HTMLElement {
  const element = h("footer", {})
  const said = h("span", { role: "status", class: "problem" })
  const button = h("button", { type: "button", class: "link" }, "Copy this page's source")
  button.onclick = async () => {
    try {
      await download(client)
      said.textContent = ""
    } catch (error) {
      said.textContent = `The source is not to be had: ${told(error).words}`
    }
  }
  fill(element, h("span", {}, "Served by Clary"), source && button, ...more, said)
  return element
}

/** A file to start one's own page from, which knows already whom it asks. */
async function download(client: Client): Promise<void> {
  const text = await client.source()
  const own = text.replace(
    /(<meta name="clary-base" content=")[^"]*(")/,
    (_, before: string, after: string) => before + client.base + after,
  )
  save(own, `${filesName(client.base.split("/").at(-1) ?? "page")}.html`, "text/html")
}
