import { expect, test } from 'vitest'

import { useOnce } from './once'

const lost = (): Promise<never> => Promise.reject(new Error('no answer'))

test('the same wish keeps its key until it is fulfilled', async () => {
  const keys: string[] = []
  const once = useOnce()
  const noted =
    <T>(answer: () => Promise<T>) =>
    (key: string): Promise<T> => {
      keys.push(key)
      return answer()
    }
  await expect(once({ name: 'a' }, noted(lost))).rejects.toThrow('no answer')
  await expect(once({ name: 'a' }, noted(lost))).rejects.toThrow('no answer')
  expect(await once({ name: 'a' }, noted(() => Promise.resolve(1)))).toBe(1)
  expect(new Set(keys).size).toBe(1)
  await once({ name: 'a' }, noted(() => Promise.resolve(2)))
  expect(new Set(keys).size).toBe(2)
})

test('another wish has another key', async () => {
  const keys: string[] = []
  const once = useOnce()
  const note = (key: string): Promise<never> => {
    keys.push(key)
    return lost()
  }
  await expect(once({ name: 'a' }, note)).rejects.toThrow()
  await expect(once({ name: 'b' }, note)).rejects.toThrow()
  expect(new Set(keys).size).toBe(2)
})
