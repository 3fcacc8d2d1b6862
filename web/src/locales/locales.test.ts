import { expect, it } from 'vitest'

const files = import.meta.glob<string>('./en/*.json', { query: '?raw', import: 'default', eager: true })
const en = Object.fromEntries(
  Object.entries(files).map(([path, source]) => [path.slice('./en/'.length, -'.json'.length), JSON.parse(source) as object]),
)
const sources = import.meta.glob<string>(['../**/*.{vue,ts}', '!../**/*.test.ts'], {
  query: '?raw', import: 'default', eager: true,
})

function keysOf(tree: object, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null ? keysOf(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  )
}

const known = new Set(keysOf(en))
const code = Object.values(sources).join('\n')
/** Anything in quotes that looks like a key of one of our groups. */
const groups = Object.keys(en).join('|')
/** Events that are called as a text could be. */
const EVENTS = ['thread.followed']
const used = new Set([...code.matchAll(new RegExp(`['"\`]((?:${groups})\\.[\\w.]+)['"\`]`, 'g'))].map((hit) => hit[1] ?? ''))

it('every text that is asked for exists', () => {
  expect([...used].filter((key) => !known.has(key) && !EVENTS.includes(key))).toEqual([])
})

it('every text is asked for somewhere', () => {
  const computed = /^(problems|theme|keys\.(action|group)|palette\.kind|notes|attention\.(levels|reasons|desktopStates)|runs\.(error|step)|search\.(operator|sort)|reactions\.group|reporting\.category|later\.time|scheduling\.(every|preset)|analytics\.(report|bucket|summary|tile)|welcome\.(step|example)|auditLog\.(action|field|outcome|export)|administration\.(page|history|role|deed|deedOn|permission|permissionGroup|category|outcome|decision|reportState|noReports|now|nobodyIs|liftNamed|channel\.filter))\.|^auditLog\.(true|false|from|to)$|^administration\.(deactivate|remove|mute|ban|kick)(Title|Text)$|^whereabouts\.(end_|preset_|away|offline|online)|^profile\.role_|^channels\.(channels|dms|public|private)/
  expect([...known].filter((key) => !used.has(key) && !computed.test(key))).toEqual([])
})
