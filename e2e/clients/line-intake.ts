import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** Lines from any number of HTTP responses as one stream. While nobody reads it, the responses are not read either. */
export class LineIntake {
  readonly stream: Readable
  readonly #held = new Set<IncomingMessage>()
  #isFull = false
  #isOver = false

  constructor() {
    this.stream = new Readable({
      read: () => {
        this.#isFull = false
        for (const response of this.#held) response.resume()
        this.#held.clear()
      },
    })
  }

  /** Adds a message as one line: newlines between its tokens become blanks. */
  push(message: Buffer): void {
    if (this.#isOver) return
    const line = Buffer.concat([message, Buffer.from('\n')])
    for (let index = 0; index < message.length; index++) {
      if (line[index] === 10 || line[index] === 13) line[index] = 32
    }
    this.#isFull = !this.stream.push(line)
  }

  /** Reads a response to its end; false when it broke off before. */
  read(response: IncomingMessage, onData: (chunk: Buffer) => void): Promise<boolean> {
    response.on('data', (chunk: Buffer) => {
      onData(chunk)
      if (!this.#isFull) return
      response.pause()
      this.#held.add(response)
    })
    return new Promise((resolve) => {
      // 'close' follows and tells; without a listener the error would be thrown.
      response.on('error', () => this.#held.delete(response))
      response.on('close', () => {
        this.#held.delete(response)
        resolve(response.complete)
      })
    })
  }

  /** Nothing more will come. */
  end(): void {
    this.#isOver = true
    this.stream.push(null)
  }
}
