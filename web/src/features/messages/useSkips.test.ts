import { expect, it } from 'vitest'

import type { Row } from './rows'
import { firstUnread } from './useSkips'

const message = (key: string): Row => ({ kind: 'message', key, authorId: 'u', text: key, time: 0, head: true, message: null, pending: null })
const day: Row = { kind: 'day', key: 'day', time: 0 }
const line: Row = { kind: 'unread', key: 'unread' }

it('the first unread message is the one below the line, whatever stands between', () => {
  expect(firstUnread([message('a'), line, day, message('b'), message('c')])?.key).toBe('b')
})

it('without a line there is none', () => expect(firstUnread([day, message('a')])).toBeUndefined())
