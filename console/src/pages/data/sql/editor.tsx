/** The box of the statement. A plain textarea: it has undo, spell-free monospace text, and every assistive tool knows it. */
import { forwardRef, type KeyboardEvent, useImperativeHandle, useRef } from "react"
import { inserted } from "./text"

export type EditorHandle = {
  focus: () => void
  /** Puts a name where the cursor is. */
  insert: (text: string) => void
  /** The cursor goes to that offset, and the word there is chosen. */
  select: (at: number) => void
}

type Props = { value: string; onChange: (value: string) => void; onRun: () => void }

export const Editor = forwardRef<EditorHandle, Props>(function Editor({ value, onChange, onRun }, handle) {
  const box = useRef<HTMLTextAreaElement>(null)
  useImperativeHandle(
    handle,
    () => ({
      focus: () => box.current?.focus(),
      insert: (text) => {
        const area = box.current
        if (!area) return
        const next = inserted(area.value, area.selectionStart, area.selectionEnd, text)
        onChange(next.text)
        requestAnimationFrame(() => {
          area.focus()
          area.setSelectionRange(next.cursor, next.cursor)
        })
      },
      select: (at) => {
        const area = box.current
        if (!area) return
        const word = /^\w*/.exec(area.value.slice(at))?.[0] ?? ""
        area.focus()
        area.setSelectionRange(at, at + Math.max(1, word.length))
      },
    }),
    [onChange],
  )
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      onRun()
    }
  }
  return (
    <textarea
      ref={box}
      className="clary-sql-box"
      aria-label="Statement"
      placeholder="SELECT …"
      value={value}
      rows={Math.min(20, Math.max(7, value.split("\n").length + 1))}
      spellCheck={false}
      autoCapitalize="off"
      autoComplete="off"
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={key}
    />
  )
})
