/** Where somebody was last, so that the next visit begins there. Only addresses, kept in this browser. */
const KEY = 'tertulia.place'

interface Place {
  workspace: string | null
  channels: Record<string, string>
  /** Channels, the last one first. */
  recent: string[]
}

const KEPT = 30

const NOWHERE: Place = { workspace: null, channels: {}, recent: [] }

function load(): Place {
  try {
    return { ...NOWHERE, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Place>) }
  } catch {
    return { ...NOWHERE }
  }
}

export const lastPlace = {
  workspace: (): string | null => load().workspace,
  channel: (workspaceId: string): string | null => load().channels[workspaceId] ?? null,
  recent: (): readonly string[] => load().recent,

  remember(workspaceId: string, channelId: string): void {
    const place = load()
    place.workspace = workspaceId
    place.channels = { ...place.channels, [workspaceId]: channelId }
    place.recent = [channelId, ...place.recent.filter((id) => id !== channelId)].slice(0, KEPT)
    try {
      localStorage.setItem(KEY, JSON.stringify(place))
    } catch {
      // Blocked storage: the next visit begins at the first workspace.
    }
  },
}
