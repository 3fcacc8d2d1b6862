/**
 * The library's date field takes every key but Tab away from the browser and from the layers around it: Esc would not close its
 * dialog, nor F5 load the page again. What is not for the field passes it by.
 */
const OF_THE_FIELD = /^(?:\d|[aApP]|Arrow(?:Up|Down|Left|Right)|Backspace|Delete|Tab|Shift|Process)$/

/** For the field's root, before its parts get the key. */
export function passBy(event: KeyboardEvent): void {
  const field = event.currentTarget as HTMLElement
  if (event.target === field || event.isComposing) return
  const withModifier = event.ctrlKey || event.metaKey || event.altKey
  if (!withModifier && OF_THE_FIELD.test(event.key)) return
  event.stopPropagation()
  if (event.key === 'Enter' && !withModifier) {
    event.preventDefault()
    field.closest('form')?.requestSubmit()
  } else if (!field.dispatchEvent(new KeyboardEvent(event.type, event))) event.preventDefault()
}
