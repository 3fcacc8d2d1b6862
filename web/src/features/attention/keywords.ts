/** Words that somebody watches for, as they write them: with commas of any script or lines between. Pure. */
export function keywordsIn(text: string): readonly string[] {
  const words = text.split(/[,\n،、，]/).map((word) => word.trim().replace(/\s+/gu, ' '))
  return [...new Set(words.filter((word) => word !== ''))]
}
