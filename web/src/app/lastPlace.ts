/** Where somebody was last, so that the next visit begins there. Only addresses, kept in this browser. */
const KEY = 'tertulia.place'

interface Place {
  workspace: string | null
  channels: Record<string, string>
}

function load(): Place {
  try {
    return { workspace: null, channels: {}, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Place>) }
  } catch {
    return { workspace: null, channels: {} }
  }
}

export const lastPlace = {
  workspace: (): string | null => load().workspace,
  channel: (workspaceId: string): string | null => load().channels[workspaceId] ?? null,

  remember(workspaceId: string, channelId: string): void {
    const place = load()
    place.workspace = workspaceId
    place.channels[workspaceId] = channelId
    try {
      localStorage.setItem(KEY, JSON.stringify(place))
    } catch {
      // Blocked storage: the next visit begins at the first workspace.
    }
  },
}
