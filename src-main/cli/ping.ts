import type { Config, ServerConfig } from '#core/config/config.ts'
import type { Rendezvous } from '#contract/rendezvous.ts'
import { createCore } from '#core/create-core.ts'
import type { Host } from '#core/host.ts'
import { createLogger } from '#core/observe/logger.ts'
import { ServerUnavailable } from '#core/upstream/server-unavailable.ts'
import { CommandFailed } from './command-failed.ts'
import { openAppClient } from './running-app.ts'
import { untilStopSignal } from './stop-signal.ts'

/** How reaching one server went. */
export interface PingOutcome {
  readonly name: string
  readonly ok: boolean
  /** One sentence when it did not go well. */
  readonly message?: string
  readonly milliseconds: number
}

const pingMs = 10_000

type Reach = (server: ServerConfig) => Promise<void>

/** Reaches every server that is switched on; `onOutcome` hears of each as it comes. Rejects at a signal to stop. */
async function pingAll(
  config: Config,
  reach: Reach,
  onOutcome: (outcome: PingOutcome) => void,
): Promise<void> {
  const enabled = config.servers.filter((server) => server.enabled)
  let isStopped = false
  const done = Promise.all(
    enabled.map(async (server) => {
      const start = performance.now()
      const failure = await reach(server).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      const milliseconds = Math.round(performance.now() - start)
      const { name } = server
      // That the servers are stopped then is no news of them.
      if (isStopped) return
      onOutcome(
        failure === undefined
          ? { name, ok: true, milliseconds }
          : { name, ok: false, message: failure, milliseconds },
      )
    }),
  )
  const signal = await Promise.race([done.then(() => undefined), untilStopSignal()])
  if (signal === undefined) return
  isStopped = true
  throw new CommandFailed(`Stopped by ${signal} before every server was reached.`)
}

/** Reaches the servers through the running app, so that no second copies are started. */
export function pingThroughApp(
  config: Config,
  app: Rendezvous,
  onOutcome: (outcome: PingOutcome) => void,
): Promise<void> {
  return pingAll(
    config,
    async ({ name, timeouts }) => {
      const client = await openAppClient(app, name)
      try {
        const clientInfo = { name: 'patchbay check', version: app.appVersion }
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
        const timeoutMs = timeouts.connectSeconds * 1000 + pingMs
        const opened = await client.request('initialize', params, timeoutMs)
        if (opened.error !== undefined) throw new Error(opened.error.message)
        client.notify('notifications/initialized')
        const pinged = await client.request(toReachingMethod(opened.result), undefined, timeoutMs)
        if (pinged.error !== undefined) throw new Error(pinged.error.message)
      } finally {
        client.close()
      }
    },
    onOutcome,
  )
}

/** What only the server itself can answer: a ping to one that sleeps is answered for it. */
function toReachingMethod(initialize: unknown): string {
  const { capabilities = {} } = initialize as { capabilities?: object }
  const kind = ['tools', 'resources', 'prompts'].find((name) => Object.hasOwn(capabilities, name))
  return kind === undefined ? 'ping' : `${kind}/list`
}

/** What Patchbay would do next is no matter here: it does nothing next. */
function tellReasonAlone(error: unknown): never {
  if (!(error instanceof ServerUnavailable) || error.reason === undefined) throw error
  throw new Error(`The server “${error.server}” cannot be reached: ${error.reason}.`)
}

/** Starts the servers, reaches each, and ends them again. */
export async function pingDirectly(
  config: Config,
  host: Host,
  onOutcome: (outcome: PingOutcome) => void,
): Promise<void> {
  const core = createCore(config, host, createLogger([]))
  try {
    await core.recall()
    await core.startServers()
    await pingAll(
      config,
      async ({ name }) => {
        const pool = core.pools.find((one) => one.server.name === name)
        // One that starts on demand starts for this.
        const upstream = pool?.upstreams[0] ?? pool?.acquire(0)
        const connection = await upstream?.whenReady().catch(tellReasonAlone)
        const answer = await connection?.request('ping', undefined, pingMs)
        if (answer?.error !== undefined)
          throw new Error(`The server “${name}” answered the ping with an error.`)
      },
      onOutcome,
    )
  } finally {
    await core.close()
  }
}
