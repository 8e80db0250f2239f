/** The page as it is used: one question, many, and the same from a program. With a document a form, without one a box. */
import { fill, h } from "./dom"
import { type Answer, read, readAll } from "./logic/answer"
import { type Body, bodyOf, takesRows, textBody } from "./logic/body"
import type { AppInfo, Client } from "./logic/client"
import { type PageDocument, readDocument } from "./logic/document"
import { Failure } from "./logic/failure"
import { type Field, fieldsOf } from "./logic/fields"
import { History } from "./logic/history"
import { fromQuery, linkOf } from "./logic/share"
import type { Ask } from "./logic/snippets"
import { type Values, written } from "./logic/values"
import { region } from "./place"
import { askView } from "./views/ask"
import { batchView } from "./views/batch"
import { codeView } from "./views/code"
import { form } from "./views/form"
import { footer, frame } from "./views/frame"
import { type Column, historyView } from "./views/history"
import { rawForm } from "./views/raw"
import { shareButton } from "./views/share"
import { type Tab, tabs } from "./views/tabs"

const SERVING = ["InService", "Updating", "SystemUpdating", "RollingBack"]

/** Whether the model can be asked, as far as the page may know. */
export const serves = (info: AppInfo): boolean => info.status === "" || SERVING.includes(info.status)

type Parts = {
  /** What one question is asked with. */
  ask: HTMLElement
  history: HTMLElement
  batch: HTMLElement | null
  request: () => Omit<Ask, "reveal"> | null
  link: (withInputs: boolean) => string
  changed: (listener: () => void) => void
  notes: string[]
}

/** Draws the page and answers its title. `locked`: the token no longer opens it. */
export function page(root: Element, client: Client, info: AppInfo, locked: () => void): string {
  const { document: known, flaws } =
    info.document === null ? { document: null, flaws: [] } : readDocument(info.document)
  const parts = known ? formed(client, info, known, locked) : raw(client, info, locked)
  const title = known?.title || info.endpoint
  const notes = parts.notes
  if (info.problem) notes.push(`${info.problem} So there is no form.`)
  if (flaws.length) {
    const [first] = flaws
    notes.push(`The page's document has a mistake (${first?.path}: ${first?.message}), so there is no form.`)
  }
  const code = codeView(parts.request)
  parts.changed(code.draw)
  const one = h("div", { class: "panel" }, parts.ask, parts.history)
  const list: Tab[] = [{ id: "one", title: "Try it", panel: one }]
  if (parts.batch)
    list.push({
      id: "many",
      title: "Many rows",
      panel: h(
        "div",
        { class: "panel" },
        h("section", { class: "card" }, h("h2", {}, "Ask for many rows"), parts.batch),
      ),
    })
  const program = h(
    "div",
    { class: "panel" },
    h("section", { class: "card" }, h("h2", {}, "Ask from a program"), code.element),
  )
  list.push({ id: "code", title: "Code", panel: program, shown: code.draw })
  const { bar } = tabs(list, "Ways to ask", `clary.app.${info.endpoint}.tab`)
  const banner =
    !serves(info) &&
    h(
      "p",
      { class: "banner", role: "status" },
      `The model is not in service (${info.status}). This page looks again by itself.`,
    )
  fill(
    root,
    frame(title, known?.description ?? "", shareButton(parts.link, info.access)),
    h(
      "main",
      {},
      banner,
      ...notes.map((text) => h("p", { class: "note", role: "status" }, text)),
      bar,
      ...list.map((tab) => tab.panel),
    ),
    footer(
      client,
      true,
      info.rate > 0 && h("span", {}, `${info.rate} ${info.rate === 1 ? "request" : "requests"} a minute`),
    ),
  )
  return title
}

const onRefusal = (locked: () => void) => (error: unknown) => {
  if (error instanceof Failure && error.status === 401) locked()
}

function formed(client: Client, info: AppInfo, known: PageDocument, locked: () => void): Parts {
  const fields = fieldsOf(known.input)
  const listeners: (() => void)[] = []
  const changed = () => {
    for (const listener of listeners) listener()
  }
  const inputs = form(fields, known.examples, () => {
    changed()
    asking.changed()
  })
  const columns: Column[] = fields.map(({ name, title }) => ({ name, title }))
  const tries = historyView(new History(`clary.app.${info.endpoint}.tries`), columns, info.endpoint, (one) => {
    inputs.set(unwritten(fields, one.inputs))
    changed()
    asking.show(one.answer, one.took)
  })
  const asking = askView({
    form: inputs.element,
    output: known.output,
    ask: async (loud, signal) => {
      const { values, problems } = inputs.read()
      if (loud) inputs.complain(problems, true)
      if (problems.size) return null
      const example = inputs.example()
      const reply = await client.invoke(await bodyOf(known, fields, [values]), known.accept, signal)
      const answer = read(reply.text, reply.contentType, known.output)
      return { answer, took: reply.took, example, inputs: wordsOf(fields, values) }
    },
    answered: ({ answer, took, inputs: words }, live) =>
      tries.add({ at: Date.now(), inputs: words, answer, took, live }),
    refused: onRefusal(locked),
  })
  const linked = fromQuery(fields, location.search)
  inputs.set(Object.keys(linked.values).length ? linked.values : startOf(known, fields))
  const file = fields.some((one) => one.kind === "file")
  const ask = async (rows: readonly Values[], signal: AbortSignal): Promise<Answer[] | null> => {
    const reply = await client.invoke(await bodyOf(known, fields, rows), known.accept, signal)
    return readAll(reply.text, reply.contentType, known.output, rows.length)
  }
  return {
    ask: asking.element,
    history: tries.element,
    batch: file
      ? null
      : batchView({ endpoint: info.endpoint, document: known, fields, together: takesRows(known), ask }),
    request: () => {
      const { values, problems } = inputs.read()
      if (problems.size) return null
      const whole = fields.map((one) => values[one.name]).find((one) => one instanceof File)
      const isFile = whole instanceof File && !/json/.test(known.contentType)
      const body = isFile ? { file: whole.name } : { text: textBody(known, fields, [values]) }
      const contentType = isFile && /\*|csv/.test(known.contentType) ? whole.type : known.contentType
      return { ...whereOf(client, info), contentType, accept: known.accept, body }
    },
    link: (withInputs) => linkOf(pageOf(client), withInputs ? fields : [], inputs.read().values),
    changed: (listener) => listeners.push(listener),
    notes: linked.refused.length ? [`Not all of the link's inputs fit this model. ${linked.refused.join(" ")}`] : [],
  }
}

function raw(client: Client, info: AppInfo, locked: () => void): Parts {
  const listeners: (() => void)[] = []
  const changed = () => {
    for (const listener of listeners) listener()
    asking.changed()
  }
  const box = rawForm(changed)
  const columns = ["body", "content type", "accept"].map((name) => ({ name, title: name }))
  const tries = historyView(new History(`clary.app.${info.endpoint}.tries`), columns, info.endpoint, (one) => {
    box.set(one.inputs)
    asking.show(one.answer, one.took)
  })
  const textOf = (body: Body, file: string) => (typeof body.content === "string" ? body.content : `<${file}>`)
  const asking = askView({
    form: box.element,
    output: { kind: "raw" },
    ask: async (loud, signal) => {
      const said = box.read(loud)
      if (!said) return null
      const reply = await client.invoke(said.body, said.accept, signal)
      const inputs = { body: textOf(said.body, said.file), "content type": said.body.contentType, accept: said.accept }
      return { answer: read(reply.text, reply.contentType, { kind: "raw" }), took: reply.took, inputs }
    },
    answered: ({ answer, took, inputs: words }, live) =>
      tries.add({ at: Date.now(), inputs: words, answer, took, live }),
    refused: onRefusal(locked),
  })
  return {
    ask: asking.element,
    history: tries.element,
    batch: null,
    request: () => {
      const said = box.read(false)
      if (!said) return null
      const body = typeof said.body.content === "string" ? { text: said.body.content } : { file: said.file }
      return { ...whereOf(client, info), contentType: said.body.contentType, accept: said.accept, body }
    },
    link: () => pageOf(client),
    changed: (listener) => listeners.push(listener),
    notes: [],
  }
}

const whereOf = (client: Client, info: AppInfo) => ({
  base: client.base,
  origin: new URL(client.base).origin,
  endpoint: info.endpoint,
  region: region(),
  token: info.access === "token" ? client.token : "",
})

/** Where people find this page: a copied source stands elsewhere than the server that it asks. */
const pageOf = (client: Client): string =>
  location.href.startsWith(client.base) ? client.base : location.origin + location.pathname

/** The first example stands in the form at first; without one, what the schema has as default. */
function startOf(known: PageDocument, fields: readonly Field[]): Values {
  const [first] = known.examples
  if (first) return first.values
  return Object.fromEntries(
    fields.filter((one) => one.initial !== undefined).map((one) => [one.name, one.initial]),
  ) as Values
}

const wordsOf = (fields: readonly Field[], values: Values): Record<string, string> =>
  Object.fromEntries(
    fields.map((field) => {
      const value = values[field.name]
      return [field.name, value instanceof File ? value.name : written(field, value)]
    }),
  )

const unwritten = (fields: readonly Field[], words: Record<string, string>): Values =>
  fromQuery(fields, new URLSearchParams(words).toString()).values
