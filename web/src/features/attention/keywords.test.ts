import { expect, it } from 'vitest'

import { keywordsIn } from './keywords'

it.each([
  ['boat,  harbour master ,boat', ['boat', 'harbour master']],
  ['船、港，ميناء،', ['船', '港', 'ميناء']],
  [' ,\n', []],
])('%s', (text, words) => expect(keywordsIn(text)).toEqual(words))
