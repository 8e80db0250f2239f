/** The page's link, with the inputs as they stand, to copy or to take with a phone. */
import { renderSVG } from "uqr"
import { copy } from "../../parts/clipboard"
import { copyButton, fill, h, ICONS, icon } from "../dom"

/** What a QR code carries well; longer links are copied. */
const MOST_LETTERS = 1_200

export function shareButton(link: (withInputs: boolean) => string, access: "public" | "token"): HTMLElement {
  const dialog = h("dialog", { "aria-labelledby": "share-title" })
  const button = h("button", { type: "button", class: "pill" }, icon(ICONS.share), "Share")
  const close = h("button", { type: "button", class: "round", "aria-label": "Close" }, icon(ICONS.close))
  close.onclick = () => dialog.close()
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close()
  }
  const box = h("input", { type: "text", readonly: true, "aria-label": "Link" })
  box.onfocus = () => box.select()
  const inputs = h("input", { type: "checkbox", checked: true })
  const picture = h("div", { class: "qr" })
  const draw = () => {
    const text = link(inputs.checked)
    box.value = text
    if (text.length > MOST_LETTERS)
      return fill(picture, h("p", { class: "help" }, "This link is too long for a QR code."))
    picture.innerHTML = renderSVG(text, { border: 2, ecc: "M" })
    const svg = picture.querySelector("svg")
    svg?.setAttribute("role", "img")
    svg?.setAttribute("aria-label", "QR code of the link")
  }
  inputs.onchange = draw
  button.onclick = () => {
    draw()
    dialog.showModal()
  }
  const only = /^(localhost|127\.|\[::1\])/.test(new URL(link(false)).hostname)
  const who =
    access === "token"
      ? "The link does not hold the token: whoever opens it is asked for it."
      : "Anyone who can reach this server can open the link."
  fill(
    dialog,
    h("div", { class: "head" }, h("h2", { id: "share-title" }, "Share this page"), close),
    picture,
    h(
      "div",
      { class: "row" },
      box,
      copyButton(() => box.value, copy),
    ),
    h("label", { class: "check" }, inputs, "With the inputs as they are now"),
    h("p", { class: "help" }, who),
    only &&
      h(
        "p",
        { class: "help" },
        "This address works on this machine alone. To share the page, open it by the machine's name first.",
      ),
  )
  return h("div", {}, button, dialog)
}
