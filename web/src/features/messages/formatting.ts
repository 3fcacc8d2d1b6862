/** Marks around what is selected. Pure: each says what to put where, and what is selected afterwards. */

export interface Selected {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** `insert` takes the place of what is between `start` and `end`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly insert: string
  readonly select: readonly [number, number]
}

export const MARKS = { bold: '**', italic: '*', strike: '~~', code: '`' } as const
export type Mark = keyof typeof MARKS
export const LINES = { quote: '> ', list: '- ' } as const
export type LineMark = keyof typeof LINES

/** Puts the mark around, or takes it away where it is. Code of several lines becomes a block. */
export function marked({ text, start, end }: Selected, mark: Mark): Edit {
  const sign = MARKS[mark]
  const inner = text.slice(start, end)
  if (mark === 'code' && inner.includes('\n')) return block({ text, start, end })
  const size = sign.length
  if (isSign(text, start - size, sign) && isSign(text, end, sign)) {
    return { start: start - size, end: end + size, insert: inner, select: [start - size, end - size] }
  }
  return { start, end, insert: sign + inner + sign, select: [start + size, end + size] }
}

/** The sign alone: one star of two is no italic. */
function isSign(text: string, at: number, sign: string): boolean {
  const char = sign.charAt(0)
  return text.startsWith(sign, at) && at >= 0 && text[at - 1] !== char && text[at + sign.length] !== char
}

function block({ text, start, end }: Selected): Edit {
  const before = start === 0 || text[start - 1] === '\n' ? '```\n' : '\n```\n'
  const inner = text.slice(start, end)
  const after = `${inner.endsWith('\n') ? '' : '\n'}\`\`\`${end === text.length || text[end] === '\n' ? '' : '\n'}`
  return { start, end, insert: before + inner + after, select: [start + before.length, start + before.length + inner.length] }
}

/** Begins each line that is touched with the mark, or takes it from all of them. */
export function linesMarked({ text, start, end }: Selected, mark: LineMark): Edit {
  const sign = LINES[mark]
  const from = text.lastIndexOf('\n', start - 1) + 1
  const next = text.indexOf('\n', end)
  const to = next < 0 ? text.length : next
  const lines = text.slice(from, to).split('\n')
  const all = lines.every((line) => line.startsWith(sign))
  const insert = lines.map((line) => (all ? line.slice(sign.length) : sign + line)).join('\n')
  const select = lines.length === 1 ? from + insert.length : from
  return { start: from, end: to, insert, select: [select, from + insert.length] }
}

const URL_ONLY = /^https?:\/\/\S+$/i

/** A link made of the selection and an address; without an address, the place for it is selected. */
export function linked({ text, start, end }: Selected, address = ''): Edit {
  const inner = text.slice(start, end)
  const insert = `[${inner}](${address})`
  const at = start + inner.length + '[]('.length
  const done = start + insert.length
  return { start, end, insert, select: address === '' && inner !== '' ? [at, at] : inner === '' ? [start + 1, start + 1] : [done, done] }
}

/** An address pasted over words. */
export function isAddress(pasted: string): boolean {
  return URL_ONLY.test(pasted.trim())
}
