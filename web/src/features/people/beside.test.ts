import { expect, it } from 'vitest'

import { beside } from './beside'

const layer = { width: 280, height: 200 }
const view = { width: 1000, height: 700 }
const at = (top: number, left: number) => ({ top, left, width: 40, height: 20 })

it('stands below, and above where there is no room; the window holds it', () => {
  expect(beside(at(100, 60), layer, view)).toEqual({ top: '126px', left: '60px' })
  expect(beside(at(600, 60), layer, view)).toEqual({ top: '394px', left: '60px' })
  expect(beside(at(100, 900), layer, view).left).toBe('712px')
  expect(beside(at(100, 0), layer, view).left).toBe('8px')
  expect(beside(at(20, 60), layer, { width: 1000, height: 150 }).top).toBe('8px')
})
