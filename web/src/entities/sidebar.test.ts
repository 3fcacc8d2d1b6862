import { describe, expect, it } from 'vitest'

import type { SidebarSection } from '@/api/sidebar'

import type { Sections } from './sidebar'
import { collapsed, filled, movedSection, placed, renamed, reordered, unplaced, withoutSection, withSection } from './sidebar'

function section(id: string, channelIds: string[] = [], patch: Partial<SidebarSection> = {}): SidebarSection {
  const kind = id === 'starred' || id === 'channels' || id === 'direct' ? id : 'custom'
  return { id, kind, name: kind === 'custom' ? id : null, channel_ids: channelIds, collapsed: false, ...patch }
}

const item = (id: string, direct = false) => ({ id, direct })
const shape = (sections: Sections) => sections.map(({ id, channel_ids: ids }) => `${id}: ${ids.join(' ')}`.trim())

describe('what stands where', () => {
  const shown = (sections: Sections, ...items: ReturnType<typeof item>[]) =>
    filled(sections, items).map(({ section: { id }, items: inside }) => `${id}: ${inside.map((one) => one.id).join(' ')}`.trim())

  it('an empty document is a whole sidebar', () => {
    expect(shown([], item('a'), item('ben', true))).toEqual(['starred:', 'channels: a', 'direct: ben'])
  })

  it('everything is there once; what was left is not; what was put somewhere comes first', () => {
    const sections = [section('starred', ['b', 'gone']), section('work', ['ben']), section('channels', ['d']), section('direct')]
    expect(shown(sections, item('a'), item('b'), item('d'), item('ben', true), item('eve', true))).toEqual([
      'starred: b', 'work: ben', 'channels: d a', 'direct: eve',
    ])
  })
})

describe('changes', () => {
  const plain = [section('starred'), section('channels'), section('direct')]

  it('a new section stands above the channels, once', () => {
    const change = withSection('w', 'Work')
    expect(shape(change(change(plain)))).toEqual(['starred:', 'w:', 'channels:', 'direct:'])
  })

  it('is renamed, folded and deleted; built-in ones are not deleted', () => {
    const some = [...plain, section('w', ['a'])]
    expect(renamed('w', 'Play')(some)[3]?.name).toBe('Play')
    expect(collapsed('direct', true)(some)[2]?.collapsed).toBe(true)
    expect(shape(withoutSection('w')(some))).toEqual(shape(plain))
    expect(withoutSection('channels')(plain)).toEqual(plain)
  })

  it('moves before another, or to the end', () => {
    expect(shape(movedSection('direct', 'starred')(plain))).toEqual(['direct:', 'starred:', 'channels:'])
    expect(shape(movedSection('starred', null)(plain))).toEqual(['channels:', 'direct:', 'starred:'])
    expect(movedSection('starred', 'nowhere')(plain)).toEqual(plain)
  })

  it('a channel is in one section, at its place, and only what keeps it there is written down', () => {
    const starred = placed('b', 'starred', ['b'])(plain)
    expect(shape(starred)).toEqual(['starred: b', 'channels:', 'direct:'])
    const back = placed('b', 'channels', ['a', 'b', 'c'])
    expect(shape(back(starred))).toEqual(['starred:', 'channels: a b', 'direct:'])
    expect(shape(back(back(starred)))).toEqual(shape(back(starred)))
    expect(shape(unplaced('b')(starred))).toEqual(shape(plain))
  })

  it('keeps what another device has put there meanwhile', () => {
    const theirs = [section('starred', ['x']), section('channels'), section('direct')]
    expect(shape(placed('b', 'starred', ['b'])(theirs))[0]).toBe('starred: b x')
  })

  it('an order with one of it elsewhere', () => {
    expect(reordered(['a', 'b', 'c'], 'c', 'a')).toEqual(['c', 'a', 'b'])
    expect(reordered(['a', 'b', 'c'], 'a', null)).toEqual(['b', 'c', 'a'])
    expect(reordered(['a', 'b'], 'new', 'b')).toEqual(['a', 'new', 'b'])
    expect(reordered(['a', 'b'], 'a', 'a')).toEqual(['a', 'b'])
  })
})
