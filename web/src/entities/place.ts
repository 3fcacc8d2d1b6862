/** Where people talk: a channel, or a thread in it. A place is a key: a channel's is its id. Pure. */

/** `{channel}` or `{channel}/{first message of the thread}`. */
export type Place = string

export function placeIn(channelId: string, threadId: string | null): Place {
  return threadId === null ? channelId : `${channelId}/${threadId}`
}

export function channelOf(place: Place): string {
  return place.split('/')[0] ?? place
}

/** The first message of the thread; null in the channel itself. */
export function threadOf(place: Place): string | null {
  return place.split('/')[1] ?? null
}
