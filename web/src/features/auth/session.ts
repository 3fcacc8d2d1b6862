/** Who is here. The token itself never leaves api/session.ts. */
import { defineStore } from 'pinia'
import { ref } from 'vue'

import { auth } from '@/api/endpoints'
import { asProblem } from '@/api/problem'
import { closeSession, onSession, openSession, refresh } from '@/api/session'
import type { Registration } from '@/api/types'
import { useEntities } from '@/entities/store'

export type SessionState = 'unknown' | 'anonymous' | 'authenticated' | 'unreachable'

/** Whether this browser had a session; saves a stranger the refused refresh. Not a secret. */
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
    else localStorage.setItem(HINT, '1')
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
      const problem = asProblem(error)
      state.value = problem.temporary ? 'unreachable' : 'anonymous'
    }
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
    channel.postMessage('logout')
  }

  return { state, left, resume, login, register, logout }
})
