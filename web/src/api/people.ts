/** Who is there, what people say of themselves, and how I want to appear. */
import type { Answer, Schemas } from './answer'
import { request } from './client'
import type { PresenceSettings } from './types'

export type PresenceState = Schemas['PresenceState']
export type PersonState = Answer<Schemas['PersonState']>
export type Status = Answer<Schemas['Status']>
export type StatusWish = Schemas['SetStatus']
export type PresenceChange = Schemas['SetPresence']

/** As many people as one stream watches. */
export const MOST_WATCHED = 500

export const people = {
  setStatus: (body: StatusWish) => request<{ status: Status | null }>('PUT', '/users/me/status', { body }),
  dropStatus: () => request<undefined>('DELETE', '/users/me/status'),
  appear: (body: PresenceChange) => request<PresenceSettings>('PUT', '/users/me/presence', { body }),
  /** Replaces the list before. `connection` is that of the stream's `hello`; 404 when it is gone. */
  watch: (connection: string, userIds: readonly string[]) =>
    request<undefined>('PUT', '/presence/subscriptions', { body: { connection, user_ids: userIds } }),
  setActive: (connection: string, active: boolean) =>
    request<undefined>('PUT', '/presence/activity', { body: { connection, active } }),
}
