import { expect, it } from 'vitest'

import { useRequest } from './useRequest'

it('tells that it is on its way, and begins no second one', async () => {
  const { busy, send } = useRequest()
  let finish = (): void => expect.fail('not begun')
  const first = send(() => new Promise<void>((resolve) => (finish = resolve)))
  expect(busy.value).toBe(true)
  expect(await send(() => expect.fail('begun twice'))).toBe(false)
  finish()
  expect(await first).toBe(true)
  expect(busy.value).toBe(false)
})

it('keeps what went wrong until the next one', async () => {
  const { busy, problem, send } = useRequest()
  expect(await send(() => Promise.reject(new TypeError('cut')))).toBe(false)
  expect(problem.value?.code).toBe('network')
  expect(busy.value).toBe(false)
  expect(await send(() => Promise.resolve())).toBe(true)
  expect(problem.value).toBeNull()
})
