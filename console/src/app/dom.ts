/** Elements without a framework: h("button", { class: "quiet", onclick: go }, "Go"). */

export type Child = Node | string | number | false | null | undefined
type Props = Record<string, string | number | boolean | undefined | ((event: never) => void)>

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener)
    else if (value === true) element.setAttribute(name, "")
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...kept(children))
  return element
}

const kept = (children: readonly Child[]) =>
  children
    .filter((one) => one !== false && one !== null && one !== undefined)
    .map((one) => (one instanceof Node ? one : String(one)))

/** What is in `place` from now on. */
export function fill(place: Element, ...children: Child[]): void {
  place.replaceChildren(...kept(children))
}

let last = 0
/** An id that no other element of this page has. */
export const fresh = (word: string): string => `${word}-${++last}`

const SVG = "http://www.w3.org/2000/svg"

/** A small drawing of one path, in the colour of the text. */
export function icon(path: string, size = 18): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg")
  const attributes = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", class: "icon" }
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value))
  const line = document.createElementNS(SVG, "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

export const ICONS = {
  sun: "M12 4V2M12 22v-2M4 12H2M22 12h-2M6.3 6.3 4.9 4.9M19.1 19.1l-1.4-1.4M6.3 17.7l-1.4 1.4M19.1 4.9l-1.4 1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
  share: "M12 15V3M8 7l4-4 4 4M5 12v7a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-7",
  close: "M6 6l12 12M18 6 6 18",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
}

/** A button that says for a moment that it has copied. */
export function copyButton(
  text: () => string,
  copy: (text: string) => Promise<void>,
  label = "Copy",
): HTMLButtonElement {
  const button = h("button", { type: "button", class: "small" }, label)
  button.onclick = async () => {
    await copy(text())
    button.textContent = "Copied"
    setTimeout(() => {
      button.textContent = label
    }, 1_500)
  }
  return button
}
