import type { ClientPort } from '#core/router/session/client-port.ts'
import type { ClientLink } from '#core/router/router.ts'
import type { Parts } from '#base/splice.ts'
import { Inbox } from './inbox.ts'
import { toLine, toWireMessage, type WireMessage } from './wire-message.ts'

/** A client in memory: what it is sent is kept, what it sends is written by hand. */
export class MemoryClient implements ClientPort {
  /** Set by the test, as if the client did not read. `drain` ends it. */
  isCongested = false
  /** How many more holds than releases of its input there were. */
  holds = 0
  /** Every line that came, in order. */
  readonly lines: string[] = []
  /** The keys of the requests that they belong to, for every line that came and is no answer: nothing where that is unknown. */
  readonly callsOfSent: (string | undefined)[] = []
  /** Requests that will get no answer, by key. */
  readonly ended: string[] = []
  readonly inbox: Inbox<WireMessage>
  readonly #link: ClientLink
  #nextId = 1

  constructor(name: string, connect: (port: ClientPort) => ClientLink) {
    this.inbox = new Inbox<WireMessage>(`client ${name}`, ({ text }) => text)
    this.#link = connect(this)
  }

  answer(...[, parts]: Parameters<ClientPort['answer']>): void {
    this.#take(parts)
  }

  end(call: string): void {
    this.ended.push(call)
  }

  send(parts: Parts, call?: string): void {
    this.callsOfSent.push(call)
    this.#take(parts)
  }

  holdInput(): void {
    this.holds++
  }

  releaseInput(): void {
    this.holds--
  }

  /** Sends a line as it is. */
  write(line: string): void {
    this.#link.receive(Buffer.from(line))
  }

  /** Sends a request under the next number and gives the answer. `params` is JSON. */
  request(method: string, params?: string): Promise<WireMessage> {
    const id = this.#nextId++
    this.write(toLine(method, params, String(id)))
    return this.answerTo(id)
  }

  notify(method: string, params?: string): void {
    this.write(toLine(method, params))
  }

  /** Calls a tool. */
  call(tool: string, args = '{}'): Promise<WireMessage> {
    return this.request('tools/call', `{"name":${JSON.stringify(tool)},"arguments":${args}}`)
  }

  answerTo(id: unknown): Promise<WireMessage> {
    return this.inbox.take(`an answer to ${JSON.stringify(id)}`, (message) => {
      return message.method === undefined && message.id === id
    })
  }

  /** The next notification or question of a method. */
  next(method: string): Promise<WireMessage> {
    return this.inbox.take(method, (message) => message.method === method)
  }

  /** Answers a question; `result` is JSON. */
  reply({ id }: WireMessage, result: string): void {
    this.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`)
  }

  /** Opens the session; `capabilities` is JSON. */
  async open(capabilities = '{}', protocolVersion = '2025-11-25'): Promise<WireMessage> {
    const params = `{"protocolVersion":"${protocolVersion}","capabilities":${capabilities},"clientInfo":{"name":"tester","version":"1"}}`
    const answer = await this.request('initialize', params)
    this.notify('notifications/initialized')
    return answer
  }

  /** It reads again. */
  drain(): void {
    this.isCongested = false
    this.#link.onDrained()
  }

  close(): void {
    this.#link.close()
  }

  /** The methods of all that came so far: questions and notifications, in order. */
  get methods(): string[] {
    return this.lines.flatMap((line) => toWireMessage(line).method ?? [])
  }

  #take(parts: Parts): void {
    const text = Buffer.concat(parts).toString()
    this.lines.push(text)
    this.inbox.push(toWireMessage(text))
  }
}
