// Log messages and the level that clients set.
import type { Handlers } from './kit.ts'
import { toText } from './json-values.ts'
import { toReport, type Tool } from './tool-set.ts'

/** logging/setLevel; the tools `log` (sends whatever the level is) and `level` (last level and how often it was set). */
export function createEchoLogging(): { readonly handlers: Handlers; readonly tools: Tool[] } {
  const set = { level: null as unknown, times: 0 }
  return {
    handlers: {
      'logging/setLevel': (call) => {
        set.level = call.value['level']
        set.times++
        return {}
      },
    },
    tools: [
      {
        name: 'log',
        run: ({ args, peer }) => {
          const level = toText(args['level'], 'info')
          peer.notify('notifications/message', { level, logger: 'echo', data: args['text'] })
          return 'logged'
        },
      },
      { name: 'level', run: () => toReport(set) },
    ],
  }
}
