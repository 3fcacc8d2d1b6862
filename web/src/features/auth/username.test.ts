import { describe, expect, it } from 'vitest'

import { isUsername, suggestUsername } from './username'

it.each([
  ['Ana Castellanos', 'ana.castellanos'],
  ['Ólafur Þór', 'olafur.or'],
  ['  J. R. R.  ', 'j.r.r'],
  ['日本', ''],
])('%s is offered %s', (name, suggestion) => expect(suggestUsername(name)).toBe(suggestion))

describe('a user name', () => {
  it.each(['ana', 'a1', 'a.b-c_d'])('may be %s', (name) => expect(isUsername(name)).toBe(true))
  it.each(['a', 'Ana', '.ana', 'ana b', 'é1', 'x'.repeat(33)])('may not be %s', (name) =>
    expect(isUsername(name)).toBe(false),
  )
})
