/** Texts in a line of words, as their reader knows the names in them. */
import { useTextContext } from '../textContext'
import { lineOf } from './line'
import type { Piece } from './pieces'
import { plainText } from './pieces'
import { shortcodesFor } from './shortcodes'

export function useLine() {
  const { names } = useTextContext()

  function pieces(text: string): Piece[] {
    void shortcodesFor(text)
    return lineOf(text, names)
  }

  const plain = (text: string, most: number): string => plainText(pieces(text), most)

  /** For what is said once, and not drawn again when the names of emoji are there. */
  async function soon(text: string, most: number): Promise<string> {
    await shortcodesFor(text)
    return plain(text, most)
  }

  return { pieces, plain, soon }
}
