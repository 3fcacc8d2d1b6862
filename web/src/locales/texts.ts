/** A folder per language, a file per group of texts: `en/channels.json` holds what is asked for as `channels.…`. */

type Texts = Record<string, object>

const groups = import.meta.glob<object>('./en/*.json', { import: 'default', eager: true })

export const en: Texts = Object.fromEntries(
  Object.entries(groups).map(([path, texts]) => [path.slice('./en/'.length, -'.json'.length), texts]),
)
