/**
 * What markdown-it wants of the package `entities`, whose table of all 2,231 names of HTML is as heavy as the rest of it: the
 * browser knows them. vite.config.ts puts this in the package's place.
 */
const field = document.createElement('textarea')

/** Only a whole name counts: `&amp;`, and not `&ampere;`. */
export function decodeHTML(name: string): string {
  if (!/^&[a-z][a-z0-9]*;$/i.test(name)) return name
  field.innerHTML = name
  const text = field.textContent
  // Of one that only begins with a name the rest is left, and so its end.
  return text.endsWith(';') && name !== '&semi;' ? name : text
}

export const decodeHTMLStrict = decodeHTML
