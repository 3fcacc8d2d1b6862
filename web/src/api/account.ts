/** My own account: how I am called, what I prefer, where I am logged in. */
import type { Answer, Schemas } from './answer'
import { request } from './client'
import type { Me } from './types'

export type Session = Answer<Schemas['SessionView']>
export type AccountPatch = Schemas['PatchMe']

export const account = {
  get: () => request<Me>('GET', '/users/me'),
  /** `preferences` replaces all of them. */
  update: (body: AccountPatch) => request<Me>('PATCH', '/users/me', { body }),
  sessions: () => request<{ items: Session[] }>('GET', '/auth/sessions'),
  endSession: (id: string) => request<undefined>('DELETE', `/auth/sessions/${id}`),
  /** This one as well. */
  endAllSessions: () => request<undefined>('POST', '/auth/logout-all'),
  /** All other sessions end. */
  changePassword: (body: Schemas['ChangePassword']) => request<undefined>('POST', '/auth/password', { body }),
}
