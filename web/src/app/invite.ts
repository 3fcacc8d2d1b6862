/** Lets a view deep inside a workspace open the invitation, without features knowing each other. */
import type { InjectionKey } from 'vue'
import { inject, provide } from 'vue'

type Invite = () => (() => void) | null

const key: InjectionKey<Invite> = Symbol('invite')

/** `invite` gives null to somebody who may not invite. */
export const provideInvite = (invite: Invite): void => provide(key, invite)
export const useInvite = (): Invite => inject(key, () => null)
