/** Who is here. The token itself never leaves api/session.ts. */
import { defineStore } from 'pinia'
import { ref } from 'vue'

import { auth } from '@/api/endpoints'
import { asProblem } from '@/api/problem'
import { closeSession, onSession, openSession, refresh } from '@/api/session'
import type { Registration } from '@/api/types'
import { useEntities } from '@/entities/store'
import { copy } from '@/realtime/copy'

export type SessionState = 'unknown' | 'anonymous' | 'authenticated' | 'unreachable'

/** Whose session this browser had; saves a stranger the refused refresh, and finds their copy. Not a secret. */
const HINT = 'tertulia.session'

export const useSession = defineStore('session', () => {
  const state = ref<SessionState>('unknown')
  /** The person left of their own will: the next one to log in does not land where they were. */
  const left = ref(false)
  const entities = useEntities()
  const channel = new BroadcastChannel('tertulia.session')

  onSession((user) => {
    if (user !== null) entities.setMe(user)
    state.value = user === null ? 'anonymous' : 'authenticated'
    if (user !== null) left.value = false
    if (user === null) localStorage.removeItem(HINT)
    else if (user.id !== localStorage.getItem(HINT)) {
      localStorage.setItem(HINT, user.id)
      void copy.keepOnly(user.id)
    }
  })

  // Another tab logged out: this one goes too.
  channel.addEventListener('message', () => closeSession())

  /** Takes up the session that the refresh cookie holds, if there is one. */
  async function resume(): Promise<void> {
    if (localStorage.getItem(HINT) === null) {
      state.value = 'anonymous'
      return
    }
    state.value = 'unknown'
    try {
      await refresh()
    } catch (error) {
      state.value = asProblem(error).temporary ? await withoutServer() : 'anonymous'
    }
  }

  /** Who was here last may read what this browser kept for them; the server is asked as soon as it answers. */
  async function withoutServer(): Promise<SessionState> {
    const kept = await copy.person(localStorage.getItem(HINT) ?? '')
    if (kept === undefined) return 'unreachable'
    entities.setMe(kept.me)
    return 'authenticated'
  }

  async function login(login: string, password: string): Promise<void> {
    openSession(await auth.login({ login, password }))
  }

  async function register(registration: Registration): Promise<void> {
    openSession(await auth.register(registration))
  }

  async function logout(): Promise<void> {
    await auth.logout()
    left.value = true
    closeSession()
    await copy.clear()
    channel.postMessage('logout')
  }

  return { state, left, resume, login, register, logout }
})
