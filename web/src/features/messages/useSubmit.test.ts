import 'fake-indexeddb/auto'

import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'

import { useCalling } from '@/entities/calling'

import { useOutbox } from './outbox'
import { useSubmit } from './useSubmit'

let sent: unknown[]
let done: string[]
let agrees: boolean

beforeEach(() => {
  sent = []
  done = []
  agrees = true
  setActivePinia(createPinia())
  vi.spyOn(useOutbox(), 'send').mockImplementation((...args) => void sent.push(args))
  vi.spyOn(useCalling(), 'agreed').mockImplementation(() => Promise.resolve(agrees))
})

function composer(commands: object = {}) {
  const line = { busy: false, isCommand: (words: string) => words.startsWith('/'), run: () => Promise.resolve(true), ...commands } as never
  return useSubmit({ place: 'c/m1', commands: line, alsoInChannel: () => true, done: (words) => done.push(words) })
}

it('sends what is agreed to', async () => {
  await composer()('@here', '@here <@u>')
  expect(useCalling().agreed).toHaveBeenCalledWith({ place: 'c/m1', text: '@here <@u>', alsoInChannel: true, deed: 'send' })
  expect([sent, done]).toEqual([[['c/m1', '@here <@u>', { alsoInChannel: true }]], ['@here']])
})

it('keeps in the field what is thought better of', async () => {
  agrees = false
  await composer()('@here', '@here')
  expect([sent, done]).toEqual([[], []])
})

it.each<[string, object, string[]]>([
  ['has run', {}, ['/ask @channel']],
  ['was refused', { run: () => Promise.resolve(false) }, []],
  ['waits for another', { busy: true }, []],
])('a command is no message: it %s', async (_, commands, emptied) => {
  await composer(commands)('/ask @channel', '/ask @channel')
  expect([sent, done]).toEqual([[], emptied])
  expect(useCalling().agreed).not.toHaveBeenCalled()
})
