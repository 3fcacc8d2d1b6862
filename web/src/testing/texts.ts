/** Tests read English, which the page loads only when somebody reads in it. */
import { allTexts, speak } from '@/locales/i18n'

await speak('en', [])
await allTexts()
