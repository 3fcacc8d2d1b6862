/** A user name to start from, made of what the server allows: ^[a-z0-9][a-z0-9._-]{1,31}$ */
export function suggestUsername(displayName: string): string {
  return displayName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.+|\.+$/g, '')
    .slice(0, 32)
}

export function isUsername(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{1,31}$/.test(text)
}
