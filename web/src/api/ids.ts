let last = 0
let counter = 0

/**
 * UUIDv7 (RFC 9562): sorts by time, and within a millisecond by when it was made here. `crypto.randomUUID` is missing on plain
 * HTTP, `getRandomValues` is not.
 */
export function uuidv7(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) & 0xff
  const random = (((bytes[6] ?? 0) & 0x07) << 8) | (bytes[7] ?? 0)
  counter = now === last ? (counter + 1) & 0xfff : random
  last = now
  bytes[6] = 0x70 | (counter >> 8)
  bytes[7] = counter & 0xff
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
