import { randomBytes } from 'node:crypto'
import type { RpcMessage } from '#base/json-rpc.ts'
import type { Parts } from '#base/splice.ts'
import type { ClientLink } from '../../../router/router.ts'
import type { ClientPort } from '../../../router/session/client-port.ts'
import { sendEmpty, type Reply } from '../answers.ts'
import { EventStream } from '../streams/event-stream.ts'
import { Outflow } from '../streams/outflow.ts'
import type { HttpSessionOptions } from './http-session.ts'
import { InputGate } from './input-gate.ts'

/** A client over HTTP+SSE (MCP 2024-11-05): one stream carries all that it is sent, and the session ends with it. */
export class SseSession implements ClientPort {
  readonly id = randomBytes(24).toString('base64url')
  readonly isWithToken: boolean
  readonly input = new InputGate()
  /** The stream is open for as long as the session is. */
  readonly isIdle = false
  readonly usedAt = performance.now()
  readonly #options: HttpSessionOptions
  readonly #link: ClientLink
  readonly #outflow: Outflow
  readonly #stream: EventStream
  #isLogged = false
  #isClosed = false

  constructor(options: HttpSessionOptions, reply: Reply) {
    this.#options = options
    this.isWithToken = options.isWithToken
    this.#outflow = new Outflow({
      stallMs: options.stallMs,
      onDrained: () => {
        this.#link.onDrained()
      },
      onStalled: () => {
        options.logger.warning('A client does not read what it asked for; its connection is closed.')
      },
    })
    this.#link = options.connect({ name: 'sse', server: options.server, port: this })
    this.#stream = new EventStream(reply, this.#outflow, () => {
      this.close()
    })
    // A path, so that it holds by whatever name the client came.
    this.#stream.send('event: endpoint\n', [Buffer.from(`/messages?sessionId=${this.id}`)])
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isCongested(): boolean {
    return this.#outflow.isCongested
  }

  /** Takes a message and answers the request that brought it; what comes back goes over the stream. */
  take(message: RpcMessage, reply: Reply): void {
    if (!this.input.isTakenBack(message)) this.#link.take(message)
    sendEmpty(reply, 202)
    if (this.#isLogged || this.#link.revision === undefined) return
    this.#isLogged = true
    this.#options.logger.info('A client connected.', this.#toFields())
  }

  send(parts: Parts): void {
    this.#stream.send('event: message\n', parts)
  }

  answer(...[, parts]: [call: string, parts: Parts]): void {
    this.send(parts)
  }

  end(): void {
    // On one stream for all there is nothing to end.
  }

  holdInput(): void {
    this.input.hold()
  }

  releaseInput(): void {
    this.input.release()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.close()
    this.input.end()
    this.#stream.end()
    if (this.#isLogged) this.#options.logger.info('A client left.', this.#toFields())
    this.#options.onClosed()
  }

  #toFields(): Record<string, string> {
    const { server } = this.#options
    const fields = { client: this.#link.name, carrier: 'sse' }
    return server === undefined ? fields : { ...fields, server }
  }
}
