import { expect, it } from 'vitest'

import { asChannelName } from './channelName'

it.each([
  ['Project Aurora', 'project-aurora'],
  ['#general', 'general'],
  ['Ñandú & Co', 'ñandú--co'],
  ['日本語', '日本語'],
  ['..hidden', 'hidden'],
  ['x'.repeat(80), 'x'.repeat(64)],
])('%s is typed as %s', (typed, name) => expect(asChannelName(typed)).toBe(name))
