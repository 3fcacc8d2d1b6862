/** What the server takes as a channel's name: ^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$, lower case. */

/** Follows typing: spaces become hyphens, the rest of what is not allowed is left out. */
export function asChannelName(typed: string): string {
  return typed
    .toLowerCase()
    .replace(/\s+/g, '-')
    .replace(/[^\p{L}\p{N}._-]/gu, '')
    .replace(/^[._-]+/, '')
    .slice(0, 64)
}
