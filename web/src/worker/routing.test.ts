import { expect, it } from 'vitest'

import { wayOf } from './routing'

const HERE = 'https://chat.example'

it.each([
  ['GET', 'navigate', '/w/acme/c/1', 'page'],
  ['GET', 'no-cors', '/assets/index-BxK3f9aQ.js', 'forever'],
  ['GET', 'no-cors', '/theme.js', 'file'],
  ['GET', 'cors', '/api/v1/stream', 'pass'],
  ['GET', 'navigate', '/api/docs', 'pass'],
  ['POST', 'cors', '/assets/index-BxK3f9aQ.js', 'pass'],
  ['GET', 'no-cors', 'https://elsewhere.example/assets/x.js', 'pass'],
])('%s %s %s: %s', (method, mode, path, way) => {
  expect(wayOf({ method, mode, url: new URL(path, HERE).href }, HERE)).toBe(way)
})
