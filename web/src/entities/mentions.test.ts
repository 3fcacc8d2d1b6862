import { describe, expect, it } from 'vitest'

import { audienceOf, withIds, withNames } from './mentions'

const ADA = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const PLANS = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2d'
const known = {
  person: (name: string) => (name === 'ada.l' ? ADA : null),
  channel: (name: string) => (name === 'plans' || name === 'más-tarde' ? PLANS : null),
}

describe('names in what is sent', () => {
  it.each([
    ['@ada.l: look', `<@${ADA}>: look`],
    ['(@Ada.L)', `(<@${ADA}>)`],
    ['ask @ada.l.', `ask <@${ADA}>.`],
    ['see #plans, #más-tarde', `see <#${PLANS}>, <#${PLANS}>`],
    ['a\n@ada.l\nb', `a\n<@${ADA}>\nb`],
  ])('%s is kept by id', (text, kept) => expect(withIds(text, known)).toBe(kept))

  it.each([
    '@nobody and #nowhere',
    'ada.l@ada.l.example',
    'https://example.org/@ada.l/#plans?x=@ada.l',
    '`@ada.l`',
    '``a ` @ada.l``',
    '```\n@ada.l\n```',
    '~~~ts\n#plans\n\n@ada.l',
    '    @ada.l',
    '\\@ada.l',
    '@channel @here',
    `<@${ADA}>`,
  ])('%s stays as it is', (text) => expect(withIds(text, known)).toBe(text))

  it('goes on after code', () => {
    expect(withIds('`@ada.l` @ada.l\n```\n@ada.l\n```\n@ada.l', known)).toBe(
      `\`@ada.l\` <@${ADA}>\n\`\`\`\n@ada.l\n\`\`\`\n<@${ADA}>`,
    )
  })

  it('comes back as it was written', () => {
    const names = { username: (id: string) => (id === ADA ? 'ada.l' : null), channel: () => 'plans' }
    expect(withNames(`<@${ADA}> <#${PLANS}> <@${PLANS}>`, names)).toBe(`@ada.l #plans <@${PLANS}>`)
  })

  it('takes no time, whatever is typed', () => {
    const begun = performance.now()
    for (const text of ['`'.repeat(16_000), '@'.repeat(16_000), '`a'.repeat(8_000), '```\n'.repeat(4_000), '#a.'.repeat(5_000)]) {
      withIds(text, known)
    }
    expect(performance.now() - begun).toBeLessThan(2_000)
  })
})

describe('calling everybody', () => {
  it.each([
    ['@channel look', 'channel'],
    ['now, @here!', 'here'],
    ['@here and @channel', 'channel'],
    ['`@channel`', null],
    ['me@channel.org', null],
    ['@channels', null],
    ['nobody', null],
  ])('%s', (text, audience) => expect(audienceOf(text)).toBe(audience))
})
