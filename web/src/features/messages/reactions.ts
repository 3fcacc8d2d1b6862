/** One click away. */
export const QUICK: readonly string[] = ['👍', '❤️', '🎉']
