/** Incremental parser of text/event-stream, by the WHATWG algorithm (CR, LF and CRLF, BOM, multi-line data). */

export interface Frame {
  event: string
  data: string
  /** The last event id so far; an id-only frame has an id and empty data. */
  id: string | null
}

export interface ParserHandlers {
  onFrame(frame: Frame): void
  onRetry(ms: number): void
}

export class SseParser {
  #buffer = ''
  #event = ''
  #data: string[] = []
  #id: string | null = null
  #hasId = false
  #started = false
  #afterCr = false

  constructor(private readonly handlers: ParserHandlers) {}

  push(chunk: string): void {
    let text = chunk
    if (!this.#started && text !== '') {
      this.#started = true
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1)
    if (text !== '') this.#afterCr = false
    this.#buffer += text
    this.#drain()
  }

  #drain(): void {
    let start = 0
    for (let i = 0; i < this.#buffer.length; i++) {
      const char = this.#buffer[i]
      if (char !== '\n' && char !== '\r') continue
      this.#line(this.#buffer.slice(start, i))
      if (char === '\r') {
        if (i + 1 === this.#buffer.length) this.#afterCr = true
        else if (this.#buffer[i + 1] === '\n') i++
      }
      start = i + 1
    }
    this.#buffer = this.#buffer.slice(start)
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch()
    if (line.startsWith(':')) return
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) {
      this.#id = value
      this.#hasId = true
    } else if (field === 'retry' && /^\d+$/.test(value)) this.handlers.onRetry(Number(value))
  }

  #dispatch(): void {
    const frame = { event: this.#event, data: this.#data.join('\n'), id: this.#id }
    const worth = this.#data.length > 0 || this.#hasId
    this.#event = ''
    this.#data = []
    this.#hasId = false
    if (worth) this.handlers.onFrame(frame)
  }
}
