import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { LineSplitter } from '../src-main/base/json-lines.ts'
import { Conversation, findRequestId, toErrorLine } from './conversation.ts'

/** The editor's side of a relay, and what it tells. */
export interface RelayOptions {
  readonly input: Readable
  readonly output: Writable
  /** How long a request may be held while there is no connection, after the first one; in milliseconds. */
  readonly waitMs: number
  /** Takes a sentence for people. */
  readonly log: (sentence: string) => void
  /** The editor is gone, or its last lines have been dealt with. May be called more than once. */
  readonly onEnd: () => void
}

const limits = { line: 64 * 1024 * 1024, waiting: 1024 * 1024, endMs: 600, holdCheckMs: 100 } as const
const shortBytes = 64 * 1024
const tooLong = toErrorLine('null', 'A message was longer than 64 MiB and has been dropped.')
const newline = Buffer.from('\n')

/** Joins the editor's streams to one connection after another, and holds lines while there is none. */
export class Relay {
  /** Whether stdin is over. */
  hasEnded = false
  /** Why there is no connection, after the first one; for the errors of requests that were held for too long. */
  absence = 'it is not running'
  readonly #options: RelayOptions
  readonly #conversation = new Conversation()
  readonly #fromEditor: LineSplitter
  /** There when lines may go out: connected, and the handshake replayed. */
  #socket: Socket | undefined
  #held: { readonly line: Buffer; readonly since: number }[] = []
  #holdTimer: NodeJS.Timeout | undefined
  /** Lines that are about to go out. */
  readonly #toApp: Buffer[] = []

  constructor(options: RelayOptions) {
    const { input, output, onEnd } = (this.#options = options)
    this.#fromEditor = this.#createSplitter(this.#takeLine)
    input.on('data', (chunk: Buffer) => {
      this.#fromEditor.push(chunk)
      this.#goOn()
    })
    for (const event of ['end', 'error', 'close']) input.on(event, this.#end)
    output.on('error', onEnd)
  }

  /** Relays over a connection that has said hello, until it is lost. */
  async join(socket: Socket): Promise<void> {
    const { output, log } = this.#options
    const [handshake, ...rest] = this.#conversation.toReplay()
    const toEditor: Buffer[] = []
    const splitter = this.#createSplitter((line) => {
      const fate = this.#conversation.takeFromApp(line)
      if (fate === true) toEditor.push(line)
      if (typeof fate === 'boolean') return
      if (fate.refusal) log(`Patchbay did not take up the conversation again: ${fate.refusal}`)
      this.#open(socket, rest)
      toEditor.push(...fate.changes)
    })
    const adjustSocket = () => (output.writableLength > limits.waiting ? socket.pause() : socket.resume())
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk)
      write(output, toEditor.splice(0))
      adjustSocket()
      this.#goOn()
    })
    socket.on('drain', this.#goOn)
    output.on('drain', adjustSocket)
    if (handshake) write(socket, [handshake])
    else this.#open(socket, rest)
    adjustSocket()
    if (!socket.destroyed) await new Promise((resolve) => socket.on('close', resolve))
    output.off('drain', adjustSocket)
    this.#lose()
  }

  #createSplitter(onLine: (line: Buffer) => void): LineSplitter {
    const onTooLong = write.bind(undefined, this.#options.output, [tooLong])
    return new LineSplitter({ maxBytes: limits.line, onLine, onTooLong })
  }

  readonly #takeLine = (line: Buffer): void => {
    if (!this.#socket) this.#held.push({ line, since: Date.now() })
    else if (this.#conversation.takeFromEditor(line)) this.#toApp.push(line)
  }

  /** The session stands: restores what it was, then sends what was held. */
  #open(socket: Socket, restoring: readonly Buffer[]): void {
    clearInterval(this.#holdTimer)
    this.#socket = socket
    this.#toApp.push(...restoring)
    for (const { line } of this.#held.splice(0)) this.#takeLine(line)
    this.#goOn()
  }

  /**
   * Sends what is to go out, and reads on unless too much waits. After stdin's end the connection stays until all is
   * sent and answered, or the time limit is over.
   */
  readonly #goOn = (): void => {
    const { input, output, onEnd } = this.#options
    if (this.#socket) write(this.#socket, this.#toApp.splice(0))
    const waiting = this.#socket?.writableLength ?? this.#held.reduce((sum, { line }) => sum + line.length, 0)
    input[waiting > limits.waiting ? 'pause' : 'resume']()
    if (!this.hasEnded || this.#held.length > 0 || !this.#conversation.isIdle) return
    if (this.#socket) this.#socket.end()
    else output.write('', onEnd)
  }

  #lose(): void {
    const { toEditor, again } = this.#conversation.lose()
    if (!this.hasEnded) write(this.#options.output, toEditor)
    this.#socket = undefined
    if (again) this.#held.push({ line: again, since: Date.now() })
    clearInterval(this.#holdTimer)
    this.#holdTimer = setInterval(this.#failOverdue, limits.holdCheckMs).unref()
    this.#goOn()
  }

  /** Answers the requests that have been held for too long. */
  readonly #failOverdue = (): void => {
    const sentence = `Patchbay cannot be reached (${this.absence}). Open Patchbay, then try again.`
    for (const { line, since } of this.#held.splice(0)) {
      const id = since + this.#options.waitMs <= Date.now() ? findRequestId(line) : undefined
      if (id) write(this.#options.output, [toErrorLine(id, sentence, 'app-not-running')])
      else this.#held.push({ line, since })
    }
    this.#goOn()
  }

  readonly #end = (): void => {
    if (this.hasEnded) return
    this.#fromEditor.end()
    this.hasEnded = true
    setTimeout(this.#options.onEnd, limits.endMs).unref()
    this.#goOn()
  }
}

/** Writes lines; short ones as one piece, since a piece costs about as much as a short line itself. */
function write(stream: Writable, lines: readonly Buffer[]): void {
  if (lines.length === 0) return
  const parts = lines.flatMap((line) => [line, newline])
  const areShort = lines.every((line) => line.length < shortBytes)
  stream.cork()
  for (const part of areShort ? [Buffer.concat(parts)] : parts) stream.write(part)
  stream.uncork()
}
