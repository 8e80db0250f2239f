/**
 * The page of one model: whoever is given its link can ask the model, without keys and without Clary's console.
 *
 * It reads what the page is (app.json), asks for the token where one is needed, and draws itself from the document.
 */
import "./style/base.css"
import "./style/controls.css"
import "./style/form.css"
import "./style/fields.css"
import "./style/answer.css"
import "./style/lists.css"
import { fill, h } from "./dom"
import { type AppInfo, Client } from "./logic/client"
import { Failure, told } from "./logic/failure"
import { page, serves } from "./page"
import { keepToken, place, takeToken } from "./place"
import { footer, frame } from "./views/frame"
import { tokenBox } from "./views/token"

const LOOK_AGAIN_MS = 3_000

const { base, endpoint } = place()
const client = new Client(base, takeToken(endpoint))
const root = document.getElementById("root") ?? document.body.appendChild(h("div", { id: "root" }))

/** Draws what the page is now. Called again when the token is another, or the model may be in service at last. */
async function start(): Promise<void> {
  try {
    draw(await client.info())
  } catch (error) {
    if (error instanceof Failure && error.status === 401) locked(error)
    else failed(error)
  }
}

function draw(info: AppInfo): void {
  const title = page(root, client, info, () => {
    keepToken(endpoint, "")
    client.token = ""
    void start()
  })
  document.title = title
  if (!serves(info)) void whenInService()
}

/** The banner that says that the model is not in service goes by itself. */
async function whenInService(): Promise<void> {
  const banner = root.querySelector<HTMLElement>(".banner")
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    const info = await client.info().catch(() => null)
    if (info === null || !serves(info)) continue
    banner?.remove()
    return
  }
}

function locked(error: Failure): void {
  document.title = `${endpoint} · token needed`
  const wrong = client.token !== ""
  keepToken(endpoint, "")
  const box = tokenBox(wrong ? error.message : "", (token) => {
    client.token = token
    keepToken(endpoint, token)
    void start()
  })
  fill(root, frame(endpoint, ""), h("main", { class: "narrow" }, box), footer(client, false))
  box.querySelector("input")?.focus()
}

function failed(error: unknown): void {
  const { title, words, todo } = told(error)
  document.title = title
  const again = h("button", { type: "button", class: "primary" }, "Try again")
  again.onclick = () => void start()
  const card = h(
    "section",
    { class: "card", role: "alert" },
    h("h2", {}, title),
    h("p", {}, words),
    h("p", { class: "help" }, todo),
    again,
  )
  fill(root, frame(endpoint, ""), h("main", { class: "narrow" }, card), footer(client, false))
}

void start()
