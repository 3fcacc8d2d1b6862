/** Incremental parser of text/event-stream, by the WHATWG algorithm (CR, LF and CRLF, BOM, multi-line data). */

/** One block. Unlike EventSource this tells what the block itself said: an id alone is a heartbeat. */
export interface Frame {
  event: string
  /** Null when the block had no data line. */
  data: string | null
  /** Null when the block had no id line. */
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
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'retry' && /^\d+$/.test(value)) this.handlers.onRetry(Number(value))
  }

  #dispatch(): void {
    const data = this.#data.length > 0 ? this.#data.join('\n') : null
    const frame = { event: this.#event, data, id: this.#id }
    this.#event = ''
    this.#data = []
    this.#id = null
    if (frame.data !== null || frame.id !== null) this.handlers.onFrame(frame)
  }
}
