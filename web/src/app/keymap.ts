/** Every action that has keys or stands in the palette, in the order of the help sheet. Texts: `keys.action.{id}`. */
import type { Action, Where } from '@/ui/actions'
import { declareActions, MAC } from '@/ui/actions'

type Entry = readonly [id: string, ...keys: string[]]

function group(name: string, where: Where, entries: readonly Entry[], more: Partial<Action> = {}): Action[] {
  return entries.map(([id, ...keys]) => ({ id, group: name, where, keys, ...more }))
}

const BACK = MAC ? ['Mod+['] : ['Alt+ArrowLeft']
const FORWARD = MAC ? ['Mod+]'] : ['Alt+ArrowRight']

export const ACTIONS: readonly Action[] = [
  ...group('general', 'everywhere', [['palette', 'Mod+KeyK']]),
  ...group('general', 'everywhere', [
    ['help', 'Mod+/', '?'],
    ['search', '/'],
    ['searchHere', 'Mod+Shift+KeyF'],
    ['panel', 'Mod+.'],
  ], { offered: true }),
  ...group('general', 'everywhere', [
    ['nextRegion', 'F6', 'Mod+F6'],
    ['previousRegion', 'Shift+F6', 'Mod+Shift+F6'],
  ]),
  ...group('general', 'everywhere', [['escape', 'Escape']], { fixed: true }),
  ...group('general', 'everywhere', [
    ['readAll', 'Shift+Escape'],
    ['keyboard'],
    ['newMessage'],
    ['createChannel'],
    ['browseChannels'],
    ['invite'],
    ['analytics'],
    ['themeSystem'],
    ['themeLight'],
    ['themeDark'],
    ['themeContrast'],
  ], { offered: true }),
  ...group('go', 'everywhere', [
    ['previous', 'Alt+ArrowUp'],
    ['next', 'Alt+ArrowDown'],
    ['previousUnread', 'Alt+Shift+ArrowUp'],
    ['nextUnread', 'Alt+Shift+ArrowDown'],
    ['back', ...BACK],
    ['forward', ...FORWARD],
  ]),
  ...group('go', 'page', [
    ['unreadChannel', 'KeyN'],
    ['unreadDirect', 'KeyP'],
    ['inbox', 'KeyG KeyI'],
    ['mentions', 'KeyG KeyM'],
    ['threads', 'KeyG KeyT'],
    ['drafts', 'KeyG KeyD'],
    ['saved', 'KeyG KeyS'],
    ['home', 'KeyG KeyH'],
  ], { offered: true }),
  ...group('message', 'message', [
    ['above', 'ArrowUp', 'KeyK'],
    ['below', 'ArrowDown', 'KeyJ'],
    ['first', 'Home'],
    ['last', 'End'],
    ['reply', 'KeyR'],
    ['edit', 'KeyE'],
    ['thumb', '+'],
    ['react', ':'],
    ['save', 'KeyS'],
    ['markUnread', 'Shift+KeyU'],
    ['copyLink', 'KeyL'],
    ['menu', 'KeyI'],
    ['history', 'Shift+KeyH'],
    ['pin', 'Shift+KeyP'],
    ['delete', 'Delete'],
  ]),
  ...group('write', 'composer', [
    ['editLast', 'ArrowUp'],
    ['replyLast', 'Shift+ArrowUp'],
    ['bold', 'Mod+KeyB'],
    ['italic', 'Mod+KeyI'],
    ['strike', 'Mod+Shift+KeyX'],
    ['code', 'Mod+Alt+KeyC'],
  ]),
]

declareActions(ACTIONS)
