/** The languages that there are texts in; public/theme.js knows them too. */
export const LANGUAGES = ['en', 'de', 'es', 'id', 'zh', 'ar'] as const
export type Language = (typeof LANGUAGES)[number]
