/** What is written can be read: contrast of the tokens in each theme, computed from tokens.css as WCAG 2 does. */
import { expect, it } from 'vitest'

type Tokens = Readonly<Record<string, string>>
type Rgb = readonly [number, number, number]

// The tests run in Node, of which the page's types know nothing; as a style sheet the file would be empty here.
const { readFileSync } = (await import('node:fs' as string)) as { readFileSync: (path: string, encoding: string) => string }
const css = readFileSync('src/app/tokens.css', 'utf8')

function block(selector: string): Tokens {
  const start = css.indexOf(`${selector} {`)
  const body = css.slice(start, css.indexOf('}', start))
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value?.trim() ?? '']))
}

const light = block(':root')
const themes = {
  light,
  dark: { ...light, ...block(":root[data-theme='dark']") },
  contrast: { ...light, ...block(":root[data-theme='contrast']") },
}

/** Linear light, clipped to what a screen shows. */
function linear(l: number, c: number, h: number): Rgb {
  const a = c * Math.cos((h * Math.PI) / 180)
  const b = c * Math.sin((h * Math.PI) / 180)
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3
  const clip = (value: number) => Math.min(Math.max(value, 0), 1)
  return [
    clip(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
    clip(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
    clip(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short),
  ]
}

function luminance(colour: string): number {
  const numbers = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(colour)
  if (numbers === null) throw new Error(`not a plain colour: ${colour}`)
  const [r, g, b] = linear(Number(numbers[1]), Number(numbers[2]), Number(numbers[3]))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (bright + 0.05) / (dark + 0.05)
}

const BACKGROUNDS = ['page', 'side', 'hover', 'selected', 'float']
const READ: readonly (readonly [string, string])[] = [
  ...['text', 'muted'].flatMap((text) => BACKGROUNDS.map((ground) => [text, ground] as const)),
  ...['page', 'side', 'float'].map((ground) => ['faint', ground] as const),
  ...['page', 'side', 'float', 'accent-soft'].map((ground) => ['accent-text', ground] as const),
  ...['page', 'float', 'danger-soft'].map((ground) => ['danger', ground] as const),
  ...['danger-soft', 'warning-soft', 'accent-soft', 'selection'].map((ground) => ['text', ground] as const),
  ['positive', 'page'],
  ['on-accent', 'accent'],
  ['on-danger', 'danger'],
  // Tooltips and short notes.
  ['page', 'text'],
]
/** Edges of fields, the focus ring, signs without words. */
const SEEN: readonly (readonly [string, string])[] = [
  ...['page', 'side', 'float'].map((ground) => ['accent', ground] as const),
  ...['page', 'float'].map((ground) => ['line-strong', ground] as const),
  ...['page', 'side'].map((ground) => ['mention', ground] as const),
  ['warning', 'warning-soft'],
]

function tooFaint(tokens: Tokens, pairs: typeof READ, least: number): string[] {
  return pairs.flatMap(([one, other]) => {
    const ratio = contrast(tokens[one] ?? '', tokens[other] ?? '')
    return ratio < least ? [`${one} on ${other}: ${ratio.toFixed(2)}`] : []
  })
}

it.each(Object.entries(themes))('%s: words stand out by 4.5, edges and signs by 3', (_, tokens) => {
  expect(tooFaint(tokens, READ, 4.5)).toEqual([])
  expect(tooFaint(tokens, SEEN, 3)).toEqual([])
})

it('high contrast: words stand out by 7', () => {
  const words = READ.filter(([one]) => ['text', 'muted', 'faint'].includes(one))
  expect(tooFaint(themes.contrast, words, 7)).toEqual([])
})

it.each(Object.entries(themes))('%s: initials can be read on all twelve hues', (_, tokens) => {
  const faint = Array.from({ length: 12 }, (_, i) => i * 30).filter((hue) => {
    const ground = `oklch(${tokens['avatar-l']} ${tokens['avatar-c']} ${hue})`
    return contrast(ground, `oklch(0.99 0.01 ${hue})`) < 4.5
  })
  expect(faint).toEqual([])
})
