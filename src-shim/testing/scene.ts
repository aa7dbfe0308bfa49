import { readFile, rm } from 'node:fs/promises'
import { FakeApp, createFolder, until, type FakeAppOptions } from './fake-app.ts'
import { ShimProcess } from './shim-process.ts'

/** A handshake with bytes that a parser would change. */
export const initialize =
  '{"jsonrpc": "2.0","id":0,"method":"initialize","params":{"big":12345678901234567890, "é":"\\u00e9"}}'
export const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}'
export const handshakeResult = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, prompts: {} },
  serverInfo: {},
}

/** A request as a line. */
export function toRequest(id: unknown, method = 'tools/call', params: object = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

/** Answers handshakes only. */
export function answerInitialize(line: string): string | undefined {
  const { id, method } = JSON.parse(line) as { id?: unknown; method?: string }
  if (method !== 'initialize') return undefined
  return JSON.stringify({ jsonrpc: '2.0', id, result: handshakeResult })
}

/** Answers every request. */
export function answerAll(line: string): string | undefined {
  const { id } = JSON.parse(line) as { id?: unknown }
  if (id === undefined) return undefined
  return answerInitialize(line) ?? JSON.stringify({ jsonrpc: '2.0', id, result: {} })
}

/** A data folder with the shims and fake apps of one test, all gone after it. */
export class Scene {
  readonly folder: string
  readonly #shims: ShimProcess[] = []
  readonly #apps: FakeApp[] = []

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<Scene> {
    return new Scene(await createFolder())
  }

  startShim(...args: readonly string[]): ShimProcess {
    return this.#addShim(new ShimProcess(['--data-dir', this.folder, ...args]))
  }

  /** A shim whose stdout nobody reads. */
  startUnreadShim(): ShimProcess {
    return this.#addShim(new ShimProcess(['--data-dir', this.folder], false))
  }

  async startApp(options: FakeAppOptions = {}): Promise<FakeApp> {
    const app = await FakeApp.start(this.folder, options)
    this.#apps.push(app)
    return app
  }

  /** A shim that has shaken hands with an app, which answers handshakes only. */
  async connect(...args: readonly string[]): Promise<{ shim: ShimProcess; app: FakeApp }> {
    const app = await this.startApp({ answer: answerInitialize })
    const shim = this.startShim(...args)
    shim.send(initialize, initialized)
    await until(() => app.connections.length === 1 && app.last.lines.length === 2 && shim.lines.length === 1)
    return { shim, app }
  }

  /** A shim that has never had a connection, and whose app is gone. */
  async startLonelyShim(): Promise<ShimProcess> {
    const app = await this.startApp({
      answerHello: () => ({ patchbay: 1, ok: false, code: 'busy', message: 'Later.' }),
    })
    const shim = this.startShim()
    await until(() => app.hellos.length > 0)
    await app.quit()
    return shim
  }

  /** Lets the app go, and waits until the shim has noticed: by the answer to a call in flight. */
  async lose(shim: ShimProcess, app: FakeApp): Promise<void> {
    shim.send(toRequest('lost'))
    await until(() => app.last.lines.some((line) => line.includes('"lost"')))
    await app.quit()
    await shim.find('"lost"')
  }

  async close(): Promise<void> {
    for (const shim of this.#shims) if (shim.exit === undefined) shim.child.kill('SIGKILL')
    for (const app of this.#apps) await app.quit()
    await rm(this.folder, { recursive: true, force: true })
  }

  #addShim(shim: ShimProcess): ShimProcess {
    this.#shims.push(shim)
    return shim
  }
}

/** Memory of a process, in bytes. Linux only. */
export async function readResidentBytes(shim: ShimProcess): Promise<number> {
  const status = await readFile(`/proc/${shim.child.pid ?? 0}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** Waits until a number has stopped changing. */
export async function untilStill(read: () => number): Promise<void> {
  let last = -1
  let since = Date.now()
  await until(() => {
    if (read() !== last) since = Date.now()
    last = read()
    return Date.now() - since > 500
  })
}
