import { expect, it } from 'vitest'

import kit from '../../gallery/Kit.stories.ts?raw'

/** Shown in the story of another component, or around all of them. */
const SHOWN_BY: Readonly<Record<string, string>> = {
  DateCalendar: 'UiDateField', MenuItem: 'UiMenu', MenuLayer: 'UiMenu', TooltipLayer: 'IconButton', UiProvider: 'StoryFrame',
}

const components = names(Object.keys(import.meta.glob('./*.vue')), '.vue')
const files = names(Object.keys(import.meta.glob('../../gallery/stories/*.story.vue')), '.story.vue')
const stories = [...kit.matchAll(/^export const (\w+) = of\(\1States\)$/gm)].map(([, name = '']) => name).sort()
const onThePage = [...kit.matchAll(/title: '(\w+)' }, \(\) => h\(\1States\)/g)].map(([, name = '']) => name).sort()

function names(paths: readonly string[], ending: string): string[] {
  return paths.map((path) => path.slice(path.lastIndexOf('/') + 1, -ending.length)).sort()
}

it('every component of the kit is in the gallery', () => {
  expect(components.filter((name) => !stories.includes(name) && !(name in SHOWN_BY))).toEqual([])
})

it('the gallery shows what there is, each by itself and all on a page', () => {
  expect(stories).toEqual(files)
  expect(onThePage).toEqual(files)
  expect([...files, ...Object.keys(SHOWN_BY)].filter((name) => !components.includes(name))).toEqual([])
})
