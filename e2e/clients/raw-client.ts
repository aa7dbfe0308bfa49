// An MCP client without SDK: it sends the bytes it is given and keeps every byte it gets.
import { readByteLines } from '../servers/byte-lines.ts'
import { cut, splice, toIdKey } from '../servers/json-span.ts'
import type { JsonObject } from '../servers/json-values.ts'
import { defaultDeadline, withDeadline } from './deadline.ts'
import { Message } from './message.ts'
import { openProcessWire, openSocketWire, type Command, type Wire } from './wire.ts'

/** Limits and ids that a caller may choose. */
export interface RequestOptions {
  /** The id to use; the next free number when left out. */
  readonly id?: number | string
  /** Milliseconds to wait. */
  readonly deadline?: number
}

/** Where a wait for a received message begins and when it fails. */
export interface WaitOptions {
  /** Index into `received` of the first message that counts (see `mark`); 0 when left out. */
  readonly after?: number
  /** Milliseconds to wait. */
  readonly deadline?: number
}

/** How a question of the server is answered: with a result value, a RawAnswer, or noReply. */
export type AnswerQuestion = (question: Message) => unknown

/** Bytes to answer with verbatim: as result, as error, or as a whole line whose id is set to the question's. */
export class RawAnswer {
  readonly member: 'result' | 'error' | 'line'
  readonly bytes: Buffer

  constructor(member: 'result' | 'error' | 'line', bytes: Buffer | string) {
    this.member = member
    this.bytes = Buffer.from(bytes as string)
  }
}

/** Return it from an AnswerQuestion to leave the question open. */
export const noReply = Symbol('no reply')

interface Waiter {
  readonly matches: (message: Message) => boolean
  readonly resolve: (message: Message) => void
}

/** One conversation. Everything received is kept, in order. */
export class RawClient {
  readonly received: Message[] = []
  readonly wire: Wire
  #lastId = 0
  readonly #pending = new Map<string, (answer: Message) => void>()
  readonly #waiters = new Set<Waiter>()
  readonly #listeners = new Set<(message: Message) => void>()
  readonly #answerers = new Map<string, AnswerQuestion>([['ping', () => ({})]])

  constructor(wire: Wire) {
    this.wire = wire
    readByteLines(wire.input, (line) => {
      this.#take(new Message(line))
    })
  }

  get pid(): number | undefined {
    return this.wire.pid
  }

  get stderr(): string {
    return this.wire.stderr()
  }

  /** Requests that the server sent us. */
  get questions(): Message[] {
    return this.received.filter((message) => message.method !== undefined && message.id !== undefined)
  }

  /** Notifications received, all or those of one method. */
  notifications(method?: string): Message[] {
    return this.received.filter(
      (message) =>
        message.method !== undefined &&
        message.id === undefined &&
        (method === undefined || message.method === method),
    )
  }

  /** Sends one line verbatim. */
  sendRaw(line: Buffer | string): void {
    this.wire.output.write(Buffer.concat([Buffer.from(line as string), Buffer.from('\n')]))
  }

  notify(method: string, params?: JsonObject): void {
    this.sendRaw(JSON.stringify({ jsonrpc: '2.0', method, params }))
  }

  /** A number that this client has not used as an id. */
  nextId(): number {
    return ++this.#lastId
  }

  /** Sends a request; resolves with its answer, be it result or error. */
  request(method: string, params?: unknown, options: RequestOptions = {}): Promise<Message> {
    const id = options.id ?? this.nextId()
    return this.requestRaw(JSON.stringify({ jsonrpc: '2.0', id, method, params }), options.deadline)
  }

  /** Sends a whole request line verbatim; resolves with the answer that has the same id, however that is written. */
  requestRaw(line: Buffer | string, deadline = defaultDeadline): Promise<Message> {
    const bytes = Buffer.from(line as string)
    const id = cut(bytes, 'id')
    if (id === undefined) throw new Error('A request needs an id.')
    const key = toIdKey(id)
    if (this.#pending.has(key)) throw new Error(`The id ${key} is in flight already.`)
    const answer = new Promise<Message>((resolve) => this.#pending.set(key, resolve))
    this.sendRaw(bytes)
    const what = (): string => `no answer to ${bytes.toString('utf8', 0, 300)}\n${this.describe()}`
    return withDeadline(answer, deadline, what).finally(() => this.#pending.delete(key))
  }

  /** Sends a request and gives its result, parsed. Fails with the error's message when the answer is an error. */
  async result(method: string, params?: unknown, options?: RequestOptions): Promise<JsonObject> {
    const answer = await this.request(method, params, options)
    if (answer.raw('result') === undefined) throw new Error(`${method} failed: ${answer.excerpt()}`)
    return answer.result as JsonObject
  }

  /** Calls a tool and gives the first text of its result. */
  async callText(name: string, args: JsonObject = {}, options?: RequestOptions): Promise<string> {
    return (await this.request('tools/call', { name, arguments: args }, options)).text
  }

  /** Opens the session: initialize, then notifications/initialized. */
  async initialize(capabilities: JsonObject = {}, version = '2025-11-25'): Promise<Message> {
    const clientInfo = { name: 'raw-client', version: '1.0.0' }
    const answer = await this.request('initialize', { protocolVersion: version, capabilities, clientInfo })
    if (answer.raw('result') === undefined) throw new Error(`initialize failed: ${answer.excerpt()}`)
    this.notify('notifications/initialized')
    return answer
  }

  /** Sets how questions of one method are answered; without one they get -32601. ping is answered from the start. */
  onQuestion(method: string, answer: AnswerQuestion): void {
    this.#answerers.set(method, answer)
  }

  /** Calls the listener for each notification from now on; returns the unsubscribe. */
  onNotification(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Where `received` ends now, for `after`. */
  mark(): number {
    return this.received.length
  }

  /** The first received message that matches, past or future. */
  waitFor(matches: (message: Message) => boolean, options: WaitOptions = {}): Promise<Message> {
    const { after = 0, deadline = defaultDeadline } = options
    const found = this.received.slice(after).find(matches)
    if (found) return Promise.resolve(found)
    const { promise, resolve } = Promise.withResolvers<Message>()
    const waiter: Waiter = { matches, resolve }
    this.#waiters.add(waiter)
    return withDeadline(promise, deadline, () => `nothing that matches came\n${this.describe()}`).finally(
      () => this.#waiters.delete(waiter),
    )
  }

  /** The first notification that matches (a method, or a predicate), past or future. */
  waitForNotification(
    matches: string | ((message: Message) => boolean),
    options?: WaitOptions,
  ): Promise<Message> {
    const accept = typeof matches === 'string' ? (message: Message) => message.method === matches : matches
    return this.waitFor(
      (message) => message.method !== undefined && message.id === undefined && accept(message),
      options,
    )
  }

  /** Ends our side and waits until the other is gone; gives the exit code of a process. */
  close(deadline = defaultDeadline): Promise<number | null> {
    this.wire.end()
    return withDeadline(this.wire.closed, deadline, () => `the other side did not close\n${this.describe()}`)
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.wire.destroy()
  }

  /** Goes at once, whatever is in flight; the other side knows that the client is gone. */
  leave(): void {
    this.wire.leave()
  }

  /** The last messages and stderr, for failure messages. */
  describe(): string {
    const last = this.received.slice(-8).map((message) => `  ${message.excerpt()}`)
    const lines = [`received ${this.received.length} messages, the last:`, ...last]
    return [...lines, `stderr: ${this.stderr.slice(-2000)}`].join('\n')
  }

  #take(message: Message): void {
    this.received.push(message)
    for (const waiter of this.#waiters) {
      if (waiter.matches(message)) waiter.resolve(message)
    }
    const { idKey } = message
    if (message.method === undefined) this.#pending.get(idKey ?? '')?.(message)
    else if (idKey !== undefined) void this.#answerQuestion(message)
    else for (const listener of this.#listeners) listener(message)
  }

  async #answerQuestion(question: Message): Promise<void> {
    const answer = this.#answerers.get(question.method!)
    const value = answer
      ? await answer(question)
      : new RawAnswer('error', '{"code":-32601,"message":"This client does not know that."}')
    if (value === noReply) return
    const reply = value instanceof RawAnswer ? value : new RawAnswer('result', JSON.stringify(value ?? null))
    if (reply.member === 'line') {
      this.sendRaw(splice(reply.bytes, ['id'], question.id!))
      return
    }
    const head = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), question.id!])
    this.sendRaw(Buffer.concat([head, Buffer.from(`,"${reply.member}":`), reply.bytes, Buffer.from('}')]))
  }
}

/** Starts a process (a shim, `serve --stdio`, a server) and talks to its stdin and stdout. */
export function connectProcess(command: Command): RawClient {
  return new RawClient(openProcessWire(command))
}

/** Joins the app's socket with a hello; the answer to it is `received[0]`. */
export async function connectSocket(path: string, hello: JsonObject): Promise<RawClient> {
  const client = new RawClient(await openSocketWire(path))
  client.sendRaw(JSON.stringify(hello))
  await client.waitFor((message) => message.raw('patchbay') !== undefined)
  return client
}
