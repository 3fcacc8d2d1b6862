import { describe, expect, it } from 'vitest'

import payloads from '../xss.corpus.json'
import { HIT, lineOf } from './line'
import type { Names } from './names'
import type { Piece } from './pieces'
import { plainText } from './pieces'
import { loadShortcodes } from './shortcodes'

const ID = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const THERE = 'https://chat.example/w/a/c/1/m/2'
const names: Names = {
  person: (key) => (key === 'ada' || key === ID ? { id: ID, name: 'Ada L.', mine: false } : null),
  channel: (key) => (key === 'plans' || key === ID ? { name: 'plans', href: '' } : null),
  message: (href, read) => (href === THERE ? `Ada in #plans: ${read(`**blue** ${THERE} ||red||`, 99)}` : null),
  spoiler: 'Spoiler',
}
const line = (text: string) => plainText(lineOf(text, names), 10_000)
const found = (text: string) => `${HIT.begin}${text}${HIT.end}`

describe('a line of a text', () => {
  it.each([
    ['**bold** and *italic*, ~~struck~~, __both__ and `a | b`', 'bold and italic, struck, both and a | b'],
    ['see [the plan](https://a.example/b_c_d) or https://a.example/b_c_d', 'see the plan or https://a.example/b_c_d'],
    ['# Tides\n\nHigh at six.\nLow at noon.', 'Tides High at six. Low at noon.'],
    ['> so they said\n\nNo.', 'so they said No.'],
    ['Bring:\n- oars\n- [x] rope\n- [ ] soup', 'Bring: • oars ☑ rope ☐ soup'],
    ['3. third\n4. fourth', '3. third 4. fourth'],
    ['```py\nprint(1)\n```\ndone', 'print(1) done'],
    ['|a|b|\n|-|-|\n|1|2|', 'a · b 1 · 2'],
    ['above\n\n---\n\nbelow', 'above — below'],
    ['so $$a^2$$ holds\n$$\n= x\n$$', 'so a^2 holds = x'],
    ['\\*not\\* &copy; <b>', '*not* © <b>'],
    ['5 * 3 * 2 and snake_case_name', '5 * 3 * 2 and snake_case_name'],
    [`<@${ID}>, @ada in <#${ID}> and #plans, @here`, '@Ada L., @Ada L. in #plans and #plans, @here'],
    ['mail@ada and `@ada` and @bob', 'mail@ada and @ada and @bob'],
    [`as in ${THERE}`, `as in Ada in #plans: blue ${THERE} Spoiler`],
    ['', ''],
  ])('%j reads %j', (text, words) => expect(line(text)).toBe(words))

  it('does not tell what is hidden', () => {
    expect(line('the end: ||he **dies**||, a || b')).toBe('the end: Spoiler, a || b')
  })

  it.each([
    ['the end: ||he **dies** and…', 'the end: Spoiler'],
    ['…he **dies** at last||, and *then', 'Spoiler, and *then'],
    ['…dies||. Or ||not…', 'Spoiler. Or Spoiler'],
    ['…or ||not||, a || b…', '…or Spoiler, a || b…'],
    ['the end: ||…', 'the end: …'],
  ])('does not tell what is hidden in a text that was cut: %j', (text, words) => expect(line(text)).toBe(words))

  it('has emoji once their names are there', async () => {
    expect(line('yes :tada:')).toBe('yes :tada:')
    await loadShortcodes()
    expect(line('yes :tada: 12:30:45 `:tada:`')).toBe('yes 🎉 12:30:45 :tada:')
  })

  it('says which words are names, code, or hidden', () => {
    const kinds = (pieces: readonly Piece[]) => pieces.map(({ kind, text }) => `${kind} ${text}`)
    expect(kinds(lineOf('a **b** @ada `c` ||d||', names))).toEqual([
      'words a b ', 'name @Ada L.', 'words  ', 'code c', 'words  ', 'spoiler Spoiler',
    ])
  })

  it('marks what was searched for, also over marks of the text', () => {
    const shown = (text: string) => lineOf(text, names).map(({ hit, text: words }) => (hit ? `[${words}]` : words)).join('')
    expect(shown(`the **${found('rel')}ease** of \`${found('rel')}\``)).toBe('the [rel]ease of [rel]')
    expect(shown(`a ${found('release **plan')}** b ${found(`<@${ID}>`)}`)).toBe('a [release plan] b [@Ada L.]')
    expect(shown(`[x](https://a.example/${found('rel')}) ||${found('rel')}|| ${HIT.end}y${HIT.begin}`)).toBe('x Spoiler y')
  })

  it('has no half of a mark where the text was cut', () => {
    expect(line('ease** of the **plan** is ~~no')).toBe('ease** of the plan is ~~no')
    expect(line('…ease** of the **plan** is ~~no…')).toBe('…ease of the plan is no…')
    expect(line(`${'x'.repeat(1_990)} **bold, and on it goes**`)).not.toContain('*')
  })

  it.each([
    ['the *whole crew…', 'the whole crew…'],
    ['the _whole crew…', 'the whole crew…'],
    ['***all of it…', 'all of it…'],
    ['**bold*…', 'bold…'],
    ['__both_…', 'both…'],
    ['~~gone~…', 'gone…'],
    ['so **…', 'so…'],
    ['so `…', 'so…'],
    ['run `npm install…', 'run npm install…'],
    ['`a` then ``b ` c…', 'a then b ` c…'],
    ['*said* and _meant_ and (*cut…', 'said and meant and (cut…'],
    ['> - see [the *plan](https://a.example) and *more…', '• see the plan and more…'],
    ['这是**重点…', '这是重点…'],
    ['…crew* of the *boat* and _more…', '…crew of the boat and more…'],
    [`the *${found('whole')} crew…`, 'the whole crew…'],
  ])('%j was cut and reads %j', (text, words) => expect(line(text).replaceAll(' …', '…')).toBe(words))

  it.each([
    '5 * 3 *2 and ~5 minutes',
    'the *whole crew',
    'run `npm install',
    'the *first.\n\nThe second…',
    '2*3, 2**3, it`s, snake_case, ~5 minutes, 5 * 3 and so on…',
  ])('%j keeps its signs', (text) => expect(line(text)).toBe(text.replace('\n\n', ' ')))
})

it('a string is as long as it may be, and whole in its last letter', () => {
  const pieces = lineOf('One  two\nthree 🎉🎉', names)
  expect(plainText(pieces, 13)).toBe('One two three…')
  expect(plainText(pieces, 15)).toBe('One two three…')
  expect(plainText(pieces, 18)).toBe('One two three 🎉🎉')
})

/** Always the same ones. */
function* texts(count: number): Generator<string> {
  const parts = [
    '**', '*', '_', '__', '~~', '`', '```\n', '||', '$$', '[', '](', ')', '<', '>', '\n', '\n\n', '    ', '- ', '1. ', '# ', '|', '---', '\\', '&amp;',
    ':tada:', `<@${ID}>`, '@ada', '#plans', 'https://a.example/', THERE, 'word', ' ', 'שלום', '漢', '🎉', '\uD83C', HIT.begin, HIT.end, '…', '![', '\0',
  ]
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  for (let n = 0; n < count; n++) yield Array.from({ length: 1 + next(25) }, () => parts[next(parts.length)]).join('')
}

describe('of whatever somebody writes', () => {
  const all = [...texts(1_500), ...payloads, payloads.join('\n\n').slice(0, 20_000), '||'.repeat(900), '*'.repeat(4_000), '['.repeat(4_000), '> '.repeat(900)]

  it('a line can be made, without marks for hits and without empty pieces', () => {
    for (const text of all) {
      const pieces = lineOf(text, names)
      for (const { text: words } of pieces) {
        expect(words, text).not.toBe('')
        expect(words, text).not.toMatch(/[\uFDD0\uFDD1]/)
      }
      expect(plainText(pieces, 40).length, text).toBeLessThanOrEqual(41)
    }
  })

  it('nothing hidden is told', () => {
    for (const text of all) {
      if (/[|`$\\\n]/.test(text) || text.trim() === '') continue
      expect(line(`a ||${text.trim()}secret|| b`), text).not.toContain('secret')
    }
  })
})
