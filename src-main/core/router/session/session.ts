import { randomInt } from 'node:crypto'
import { findMember, findPath, idKey, type Span } from '#base/json-head.ts'
import { errorLine, resultLine, type RpcError } from '#base/json-rpc.ts'
import type { Parts } from '#base/splice.ts'
import type { About } from '../../upstream/connection/carrier.ts'
import type { Connection } from '../../upstream/connection/connection.ts'
import { PendingRequests } from '../../upstream/connection/pending-requests.ts'
import type { SessionKey } from '../../upstream/server-pool.ts'
import type { LogLevel } from '../log-level.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { ClientPort } from './client-port.ts'

/** A call that a client waits for. */
export interface CallInFlight {
  /** The client takes it back: it is forgotten, and the server is told with the id that it knows. */
  cancel(toNotification: (requestId: Buffer) => Parts): void
  /** It is forgotten without a word to the client, whose session is over. */
  abandon(): void
}

/** Who a session is with. */
export interface SessionOptions {
  readonly key: SessionKey
  /** The client's name for people, as it gave it. */
  readonly name: string
  /** The one server that it is with; the whole when undefined. */
  readonly only: string | undefined
  readonly port: ClientPort
}

/** As long as a name in a hello may be. */
const longestName = 200
const mostWaitingBytes = 8 * 1024 * 1024

/** One client's conversation with the gateway: what it said of itself, and what is in flight. */
export class Session {
  readonly key: SessionKey
  readonly only: string | undefined
  readonly calls = new Map<string, CallInFlight>()
  /** Questions of servers that the client has not answered. Their ids begin anywhere, so that those of two runs of the app do not meet. */
  readonly questions = new PendingRequests(randomInt(2 ** 20, 2 ** 46))
  /** What it was last told to be there, to know when that changes. */
  catalog: Catalog | undefined
  logLevel: LogLevel | undefined
  /** The revision of MCP that is spoken with the client, once its session is open. */
  revision: string | undefined
  name: string
  phase: 'new' | 'open' | 'closed' = 'new'
  readonly #port: ClientPort
  readonly #heldSources = new Set<Connection>()
  readonly #heldBy = new Set<Connection>()
  #waitingBytes = 0
  #capabilities: Buffer = Buffer.from('{}')

  constructor({ key, name, only, port }: SessionOptions) {
    this.key = key
    this.name = name
    this.only = only
    this.#port = port
  }

  /** The client opened the session with these capabilities. */
  open(capabilities: Buffer | undefined, name: string | undefined): void {
    this.phase = 'open'
    if (capabilities !== undefined) this.#capabilities = Buffer.from(capabilities)
    if (name !== undefined) this.name = name.slice(0, longestName)
  }

  /** Whether its client is still there. */
  readonly isAlive = (): boolean => this.phase !== 'closed'

  /** Whether the client named a capability, such as `elicitation`, `url`. */
  hasCapability(...path: string[]): boolean {
    return this.#findCapability(path) !== undefined
  }

  /** Whether the client said more of a capability than that it has it. */
  hasCapabilityDetail(name: string): boolean {
    const span = this.#findCapability([name])
    return (
      span !== undefined &&
      this.#capabilities
        .subarray(span.start + 1, span.end - 1)
        .toString()
        .trim() !== ''
    )
  }

  /**
   * Sends a notification or question. When the client does not keep up, `source` is not read from until it does.
   * `call` is the key of the client's request that it belongs to, where that is known.
   */
  send(parts: Parts, source?: Connection, call?: string): void {
    if (this.phase === 'closed') return
    this.#port.send(parts, call)
    this.#holdWhileCongested(source)
  }

  /** Sends the answer to the request with this key. */
  answer(call: string, parts: Parts, source?: Connection): void {
    if (this.phase === 'closed') return
    this.#port.answer(call, parts)
    this.#holdWhileCongested(source)
  }

  sendResult(id: Buffer, result: Buffer): void {
    this.answer(toKey(id), resultLine(id, result))
  }

  sendError(id: Buffer | undefined, error: RpcError): void {
    if (id === undefined) this.send(errorLine(id, error))
    else this.answer(toKey(id), errorLine(id, error))
  }

  /** There will be no answer to the request with this key: the client took it back. */
  endCall(call: string): void {
    if (this.phase !== 'closed') this.#port.end(call)
  }

  /** The client keeps up again. */
  releaseSources(): void {
    for (const source of this.#heldSources) source.releaseReading()
    this.#heldSources.clear()
  }

  /** Sends a line of the client's to a server, and takes nothing more from the client while the server does not keep up. */
  sendTo(connection: Connection, parts: Parts, about?: About): void {
    connection.send(parts, about)
    if (connection.isCongested) this.#holdInput(connection)
  }

  /** Bytes of the client's wait for a server that is starting (or, negative, no longer do): not too many of them. */
  addWaiting(bytes: number): void {
    const before = this.#waitingBytes
    this.#waitingBytes += bytes
    if (before <= mostWaitingBytes && this.#waitingBytes > mostWaitingBytes) this.#port.holdInput()
    if (before > mostWaitingBytes && this.#waitingBytes <= mostWaitingBytes) this.#port.releaseInput()
  }

  /** A server does not keep up with what this client sends: take nothing more from it until `releaseInput`. */
  #holdInput(connection: Connection): void {
    if (this.#heldBy.has(connection)) return
    this.#heldBy.add(connection)
    this.#port.holdInput()
  }

  releaseInput(connection: Connection): void {
    if (this.#heldBy.delete(connection)) this.#port.releaseInput()
  }

  #holdWhileCongested(source: Connection | undefined): void {
    if (source === undefined || !this.#port.isCongested || this.#heldSources.has(source)) return
    this.#heldSources.add(source)
    source.holdReading()
  }

  #findCapability(path: readonly string[]): Span | undefined {
    const whole = { start: 0, end: this.#capabilities.length }
    const [first = '', ...rest] = path
    return findPath(this.#capabilities, findMember(this.#capabilities, whole, first), rest)
  }
}

function toKey(id: Buffer): string {
  return idKey(id, { start: 0, end: id.length })
}
