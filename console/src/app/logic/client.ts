/** The three requests of a page: what it is, an answer, its source. Unsigned; a token where one is needed. */
import type { Body } from "./body"
import { Failure } from "./failure"
import { isObject, parsed } from "./json"

export type AppInfo = {
  endpoint: string
  /** EndpointStatus, "Missing", or "": the page may not know it. */
  status: string
  access: "public" | "token"
  /** Requests a minute. */
  rate: number
  document: unknown
  /** Why the document cannot be shown; "": it can, or there is none. */
  problem: string
}
export type Reply = { text: string; contentType: string; took: number }

export class Client {
  token: string

  /** `base`: the URL of the page, without a slash at its end. */
  constructor(
    readonly base: string,
    token = "",
  ) {
    this.token = token
  }

  async info(): Promise<AppInfo> {
    const answer = await this.ask("/app.json", {})
    const said: unknown = parsed(await answer.text())
    if (!isObject(said)) throw new Failure(answer.status, "", "The server's answer is no JSON.")
    return {
      endpoint: String(said.endpoint ?? ""),
      status: String(said.status ?? ""),
      access: said.access === "token" ? "token" : "public",
      rate: Number(said.rate ?? 0),
      document: said.document ?? null,
      problem: String(said.problem ?? ""),
    }
  }

  async invoke(body: Body, accept: string, signal?: AbortSignal): Promise<Reply> {
    const began = performance.now()
    const headers = { "content-type": body.contentType, ...(accept ? { accept } : {}) }
    const answer = await this.ask("/invocations", {
      method: "POST",
      headers,
      body: body.content,
      signal: signal ?? null,
    })
    const text = await answer.text()
    return { text, contentType: answer.headers.get("content-type") ?? "", took: performance.now() - began }
  }

  /** One readable file with all of this page. */
  async source(): Promise<string> {
    return (await this.ask("/source", {})).text()
  }

  private async ask(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...init.headers, ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) }
    let answer: Response
    try {
      answer = await fetch(`${this.base}${path}`, { ...init, headers, credentials: "omit" })
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error
      throw new Failure(0, "", `No answer from ${new URL(this.base, document.baseURI).host}.`)
    }
    if (answer.ok) return answer
    const text = await answer.text()
    const said: unknown = parsed(text)
    const code = isObject(said) && typeof said.code === "string" ? said.code : ""
    const words = isObject(said) && typeof said.message === "string" ? said.message : text.slice(0, 500)
    const after = Number.parseFloat(answer.headers.get("retry-after") ?? "")
    throw new Failure(
      answer.status,
      code,
      words || `The server answered ${answer.status}.`,
      after >= 0 ? after : undefined,
    )
  }
}
