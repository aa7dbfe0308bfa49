import type { Socket } from 'node:net'
import { LineSplitter } from '#base/json-lines.ts'
import { Inbox } from './inbox.ts'
import { toLine, toWireMessage, type WireMessage } from './wire-message.ts'

/** What a scripted server is by itself. All the rest the test answers by hand. */
export interface ServerScript {
  /** JSON; everything there is unless given. */
  readonly capabilities?: string
  readonly instructions?: string
  /** Items of its lists, each as JSON. */
  readonly tools?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceTemplates?: readonly string[]
  readonly prompts?: readonly string[]
  /** Whether the test answers `initialize` by hand. */
  readonly isOpenedByHand?: boolean
  /** Whether the process ends as soon as it runs. */
  readonly isBroken?: boolean
}

const everything =
  '{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"logging":{},"completions":{}}'

const lists: Readonly<Record<string, 'tools' | 'resources' | 'resourceTemplates' | 'prompts'>> = {
  'tools/list': 'tools',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
  'prompts/list': 'prompts',
}

/** JSON of a tool. */
export function toTool(name: string): string {
  return `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object"}}`
}

/** A server that tests play by hand. Each process of it is a life. */
export class ScriptedServer {
  /** Lives that were not taken yet. */
  readonly #lives: Inbox<ServerLife>
  /** What it is; the test may change it. */
  script: ServerScript

  constructor(name: string, script: ServerScript) {
    this.script = script
    this.#lives = new Inbox<ServerLife>(`server ${name}`, () => 'a life')
  }

  /** The next process of it that was started. */
  nextLife(): Promise<ServerLife> {
    return this.#lives.take('a process', () => true)
  }

  /** Processes that nobody took yet. */
  get untaken(): number {
    return this.#lives.items.length
  }

  /** A process of it is there. */
  begin(socket: Socket): ServerLife {
    const life = new ServerLife(socket, () => this.script)
    this.#lives.push(life)
    return life
  }
}

/** One process of a scripted server. */
export class ServerLife {
  /** Every line that came, in order. */
  readonly lines: string[] = []
  readonly inbox = new Inbox<WireMessage>('server', ({ text }) => text)
  /** Settles when the process is gone. */
  readonly ended: Promise<void>
  readonly #socket: Socket
  readonly #script: () => ServerScript
  readonly #splitter = new LineSplitter({
    maxBytes: 2 ** 26,
    onLine: (line) => {
      this.#onLine(line.toString())
    },
    onTooLong: () => undefined,
  })

  constructor(socket: Socket, script: () => ServerScript) {
    this.#socket = socket
    this.#script = script
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        resolve()
      })
    })
  }

  /** Bytes that the server was sent. */
  feed(chunk: Buffer): void {
    this.#splitter.push(chunk)
  }

  /** Sends a line as it is. */
  write(line: string): void {
    this.#socket.write(`${line}\n`)
  }

  notify(method: string, params?: string): void {
    this.write(toLine(method, params))
  }

  /** The next message of a method that the test has to see to. */
  next(method: string): Promise<WireMessage> {
    return this.inbox.take(method, (message) => message.method === method)
  }

  /** Answers a request; `result` is JSON. */
  reply({ id }: WireMessage, result = '{}'): void {
    this.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`)
  }

  /** Answers a request with an error; `error` is JSON. */
  fail({ id }: WireMessage, error: string): void {
    this.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${error}}`)
  }

  /** Asks the client something and gives the answer. `id` and `params` are JSON. */
  ask(id: string, method: string, params = '{}'): Promise<WireMessage> {
    this.write(toLine(method, params, id))
    return this.answerTo(id)
  }

  /** The answer to a question of its; `id` is JSON. */
  answerTo(id: string): Promise<WireMessage> {
    return this.inbox.take(`an answer to ${id}`, ({ text, method }) => {
      return method === undefined && text.includes(`"id":${id},`)
    })
  }

  /** Answers `initialize`. */
  open(initialize: WireMessage): void {
    const { capabilities = everything, instructions } = this.#script()
    const told = instructions === undefined ? '' : `,"instructions":${JSON.stringify(instructions)}`
    const version = JSON.stringify(initialize.params?.['protocolVersion'])
    this.reply(
      initialize,
      `{"protocolVersion":${version},"capabilities":${capabilities},"serverInfo":{"name":"scripted","version":"7","x-own":1.0}${told}}`,
    )
  }

  /** Exits with code 3. */
  async exit(): Promise<void> {
    this.#socket.end()
    await this.ended
  }

  /** Stops reading what it is sent. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** How often it was asked or told something. */
  count(method: string): number {
    return this.lines.filter((line) => toWireMessage(line).method === method).length
  }

  #onLine(text: string): void {
    this.lines.push(text)
    const message = toWireMessage(text)
    const list = lists[message.method ?? '']
    if (message.method === 'initialize' && this.#script().isOpenedByHand !== true) this.open(message)
    else if (list !== undefined && message.params?.['x-by-hand'] === undefined)
      this.reply(message, `{"${list}":[${(this.#script()[list] ?? []).join(',')}]}`)
    else if (message.method === 'logging/setLevel') this.reply(message)
    else this.inbox.push(message)
  }
}
