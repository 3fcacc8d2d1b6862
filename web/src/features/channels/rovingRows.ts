/** Arrow keys move between the rows of the sidebar (elements marked `data-row`). */
export function moveFocus(root: HTMLElement, event: KeyboardEvent): void {
  const rows = [...root.querySelectorAll<HTMLElement>('[data-row]')].filter((row) => row.offsetParent !== null)
  const at = rows.indexOf(document.activeElement as HTMLElement)
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return
  const target = {
    ArrowDown: rows[at + 1],
    ArrowUp: rows[at - 1],
    Home: rows[0],
    End: rows.at(-1),
  }[event.key]
  if (target === undefined) return
  event.preventDefault()
  target.focus()
}
