import { describe, expect, it } from 'vitest'

import type { Frame } from './sse'
import { SseParser } from './sse'

function parse(...chunks: string[]): { frames: Frame[]; retries: number[] } {
  const frames: Frame[] = []
  const retries: number[] = []
  const parser = new SseParser({ onFrame: (frame) => frames.push(frame), onRetry: (ms) => retries.push(ms) })
  for (const chunk of chunks) parser.push(chunk)
  return { frames, retries }
}

describe('the event-stream parser', () => {
  it('reads event, data and id', () => {
    expect(parse('id: 7\nevent: message.created\ndata: {"a":1}\n\n').frames).toEqual([
      { event: 'message.created', data: '{"a":1}', id: '7' },
    ])
  })

  it('gives the same frames however the bytes are cut', () => {
    const text = ': ok\r\n\r\nretry: 2500\r\nevent: hello\r\ndata: x\r\n\r\nid: c1\r\ndata: a\r\ndata: b\r\n\r\n'
    const whole = parse(text)
    expect(whole.frames).toEqual([
      { event: 'hello', data: 'x', id: null },
      { event: '', data: 'a\nb', id: 'c1' },
    ])
    for (let cut = 1; cut < text.length; cut++) {
      expect(parse(text.slice(0, cut), text.slice(cut))).toEqual(whole)
    }
    expect(parse(...text)).toEqual(whole)
  })

  it('takes a lone CR as the end of a line', () => {
    expect(parse('data: a\r\rdata: b\r', '\r').frames.map((frame) => frame.data)).toEqual(['a', 'b'])
  })

  it('reports an id-only heartbeat', () => {
    expect(parse('id: c9\n\n').frames).toEqual([{ event: '', data: null, id: 'c9' }])
  })

  it('gives no id to a frame that brought none', () => {
    expect(parse('id: 1\ndata: a\n\ndata: b\n\n').frames.map((frame) => frame.id)).toEqual(['1', null])
  })

  it('ignores comments, unknown fields, a BOM and an id with NUL', () => {
    expect(parse('\ufeff: hi\nfoo: bar\nid: a\0b\ndata:x\n\n').frames).toEqual([{ event: '', data: 'x', id: null }])
  })

  it('hands on the retry time', () => expect(parse('retry: 3000\nretry: soon\n\n').retries).toEqual([3000]))

  it('keeps an unfinished frame to itself', () => expect(parse('data: a\n').frames).toEqual([]))
})
