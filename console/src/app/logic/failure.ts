/** Why there is no answer, in words, and what whoever asked can do about it. */

export type Told = { title: string; words: string; todo: string }

export class Failure extends Error {
  constructor(
    /** The HTTP status; 0: the server was not reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds until it makes sense to ask again; undefined: not said. */
    readonly after?: number,
  ) {
    super(message)
    this.name = "Failure"
  }
}

const asks: Record<number, Omit<Told, "words">> = {
  0: { title: "The server does not answer", todo: "Look at your connection, then try again." },
  400: { title: "The model cannot take these inputs", todo: "Change them and ask again." },
  401: { title: "This page needs another token", todo: "Ask whoever gave you the link for the token." },
  403: { title: "This page may not ask the model", todo: "Its owner has to permit it: the role of the page decides." },
  404: { title: "There is no such page", todo: "It may have been removed. Ask whoever gave you the link." },
  413: { title: "That is too much for one request", todo: "Send a smaller file, or fewer rows." },
  415: { title: "The model does not read this kind of data", todo: "Choose another content type." },
  424: { title: "The model could not answer", todo: "Change the inputs, or tell the owner of the page." },
  429: { title: "Too many requests in a minute", todo: "Wait a little, then ask again." },
  503: { title: "The model is not in service right now", todo: "It may be starting or changing. Try again soon." },
}

export function told(error: unknown): Told {
  if (!(error instanceof Failure)) {
    return {
      title: "Something went wrong on this page",
      words: error instanceof Error ? error.message : String(error),
      todo: "",
    }
  }
  const known = asks[error.status] ?? {
    title: error.status >= 500 ? "The server could not answer" : "The request was refused",
    todo: error.status >= 500 ? "Try again. If it stays so, tell the owner of the page." : "",
  }
  const twice = `${known.title}: `
  const words = error.message.startsWith(twice) ? error.message.slice(twice.length) : error.message
  return { ...known, words: words.slice(0, 1).toUpperCase() + words.slice(1) }
}

/** Whether the very same request may go well a moment later. */
export const passes = (error: unknown): boolean =>
  error instanceof Failure && (error.status === 0 || error.status === 429 || error.status >= 500)
