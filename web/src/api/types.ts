/**
 * The names the front end uses for the contract's types, on top of what `npm run contract` generates.
 * Everything else imports from here and never from schema.ts, so a rename there is one line here.
 */
import type { Answer, Schemas } from './answer'
import type { Envelope } from './events'
import type { paths } from './schema'

export type Role = Schemas['Role']
export type ChannelKind = Schemas['ChannelKind']
export type UserKind = Schemas['UserKind']
export type User = Answer<Schemas['User']>
export type Me = Answer<Schemas['Me']>
export type PresenceSettings = Answer<Schemas['PresenceSettings']>
export type Workspace = Answer<Schemas['Workspace']>
export type Channel = Answer<Schemas['Channel']>
export type Message = Answer<Schemas['Message']>
export type Reaction = Answer<Schemas['Reaction']>
export type ThreadSummary = Answer<Schemas['ThreadSummary']>
export type SystemNote = Answer<Schemas['SystemNote']>
export type AuthResult = Answer<Schemas['AuthResult']>
export type Invite = Answer<Schemas['Invite']>
export type WorkspaceMembership = Answer<Schemas['Membership']>
export type WorkspaceList = Answer<Schemas['WorkspaceList']>
export type ChannelListing = Answer<Schemas['ChannelState']>
export type ChannelPage = Answer<Schemas['ChannelPage']>
export type ChannelMember = Answer<Schemas['ChannelMember']>
export type ChannelMemberPage = Answer<Schemas['ChannelMemberPage']>
export type Reach = Answer<Schemas['Reach']>
export type Bootstrap = Answer<Schemas['Bootstrap']>
export type MessagePage = Answer<Schemas['MessagePage']>
export type SentMessage = Answer<Schemas['SentMessage']>

/** The schema leaves `data` open; events.ts names each type's data. */
export type EventPage = Omit<Schemas['EventPage'], 'items'> & { items: Envelope[] }

export type Registration = Schemas['Register']
export type Credentials = Schemas['Login']
export type NewWorkspace = Schemas['NewWorkspace']
export type NewInvite = Schemas['NewInvite']
export type NewChannel = Schemas['NewChannel']
export type OpenDirect = Schemas['OpenDirect']
export type AddMember = Schemas['AddMember']
export type SendMessage = Schemas['SendMessage']

type Filled<Path extends string> = Path extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${Filled<After>}`
  : Path

/** Paths of the contract below /api/v1, with something in place of each `{parameter}`. */
export type ApiPath = keyof paths extends infer Path
  ? Path extends `/api/v1${infer Rest}`
    ? Filled<Rest>
    : never
  : never
