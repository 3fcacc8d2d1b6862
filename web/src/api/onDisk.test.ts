import 'fake-indexeddb/auto'

import { afterEach, expect, it, vi } from 'vitest'

import { onDisk } from './onDisk'

interface Item {
  id: string
  userId: string
  state: 'queued' | 'sending' | 'failed'
}

const item = (id: string, userId = 'ana', state: Item['state'] = 'queued'): Item => ({ id, userId, state })

let count = 0
const disk = () => onDisk<Item>(`test ${++count}`, 'items')

afterEach(() => void vi.restoreAllMocks())

it('has what was put, for each person in the order of the ids', async () => {
  const { all, put, has } = disk()
  for (const one of [item('2'), item('1', 'ana', 'sending'), item('3', 'ben')]) expect(await put(one)).toBe(true)
  expect(await all('ana')).toEqual([item('1'), item('2')])
  expect([await has('3'), await has('4')]).toEqual([true, false])
})

it('forgets one thing, or all of a person', async () => {
  const { all, put, remove, clear } = disk()
  for (const one of [item('1'), item('2'), item('3'), item('4', 'ben')]) await put(one)
  await remove('1')
  expect(await all('ana')).toEqual([item('2'), item('3')])
  await clear('ana')
  expect([await all('ana'), await all('ben')]).toEqual([[], [item('4', 'ben')]])
})

it('does without where the browser keeps nothing, and asks it again', async () => {
  const { all, put, remove, has, clear } = disk()
  const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('not here', 'SecurityError')
  })
  expect(await put(item('1'))).toBe(false)
  await remove('1')
  await clear('ana')
  expect([await has('1'), await all('ana')]).toEqual([true, []])
  open.mockRestore()
  expect(await put(item('1'))).toBe(true)
  expect(await all('ana')).toEqual([item('1')])
})
