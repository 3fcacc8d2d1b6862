import { describe, expect, it } from 'vitest'

import type { Edit, Selected } from './formatting'
import { isAddress, linked, linesMarked, marked } from './formatting'

/** `[` and `]` stand around what is selected. */
function from(drawn: string): Selected {
  const start = drawn.indexOf('[')
  return { text: drawn.replace(/[[\]]/g, ''), start, end: drawn.indexOf(']') - 1 }
}

function after({ text }: Selected, { start, end, insert, select }: Edit): string {
  const whole = text.slice(0, start) + insert + text.slice(end)
  return `${whole.slice(0, select[0])}[${whole.slice(select[0], select[1])}]${whole.slice(select[1])}`
}

describe('marks', () => {
  it.each([
    ['a [b] c', 'bold', 'a **[b]** c'],
    ['a **[b]** c', 'bold', 'a [b] c'],
    ['a **[b]** c', 'italic', 'a ***[b]*** c'],
    ['a *[b]* c', 'italic', 'a [b] c'],
    ['[]', 'strike', '~~[]~~'],
    ['x [y]', 'code', 'x `[y]`'],
    ['[x\ny]', 'code', '```\n[x\ny]\n```'],
    ['a [x\ny] b', 'code', 'a \n```\n[x\ny]\n```\n b'],
  ] as const)('%j, %s', (before, mark, expected) => {
    const selected = from(before)
    expect(after(selected, marked(selected, mark))).toBe(expected)
  })

  it.each([
    ['a\nb[]c\nd', 'quote', 'a\n> bc[]\nd'],
    ['[a\nb]', 'list', '[- a\n- b]'],
    ['[- a\n- b]', 'list', '[a\nb]'],
  ] as const)('%j, %s', (before, mark, expected) => {
    const selected = from(before)
    expect(after(selected, linesMarked(selected, mark))).toBe(expected)
  })
})

describe('links', () => {
  it('are made of words and an address', () => {
    const words = { text: 'see here now', start: 4, end: 8 }
    expect(linked(words, 'https://x.example')).toMatchObject({ insert: '[here](https://x.example)' })
    expect(linked(words).select).toEqual([11, 11])
    expect(linked({ text: '', start: 0, end: 0 })).toMatchObject({ insert: '[]()', select: [1, 1] })
  })

  it('need an address', () => {
    expect(['https://x.example/a b', 'x.example', 'javascript:x', ' https://x.example/ '].map(isAddress)).toEqual([false, false, false, true])
  })
})
