// Tools about the process of a test server and about what it received; every test server has them.
import { noAnswer } from './kit.ts'
import { toNumber, toText } from './json-values.ts'
import { sleepUnlessCancelled, toReport, type Tool, type ToolSet } from './tool-set.ts'

/** pid, env, cwd, count, stderr, crash, sleep, cancelled-report, initialize-params, notifications. */
export function createProcessTools(tools: ToolSet): Tool[] {
  return [
    { name: 'pid', run: () => String(process.pid) },
    { name: 'env', run: ({ args }) => process.env[toText(args['name'])] ?? '(unset)' },
    { name: 'cwd', run: () => process.cwd() },
    { name: 'count', run: () => String(tools.calls) },
    {
      name: 'stderr',
      run: ({ args }) => {
        process.stderr.write(`${toText(args['text'])}\n`)
        return 'written'
      },
    },
    {
      name: 'crash',
      run: ({ args }) => {
        process.exit(toNumber(args['code'], 1))
      },
    },
    { name: 'sleep', run: sleep },
    { name: 'cancelled-report', run: ({ peer }) => toReport(peer.cancellations) },
    { name: 'initialize-params', run: ({ peer }) => String(peer.initializeParams) },
    { name: 'notifications', run: ({ peer }) => toReport(peer.notifications.map(String)) },
  ]
}

/** Answers `value` after `ms`; with `steps`, that many progress notifications (message: the value) are spread over it. */
const sleep: Tool['run'] = async ({ args, call, peer }) => {
  const value = toText(args['value'])
  const milliseconds = toNumber(args['ms'])
  const steps = toNumber(args['steps'])
  for (let step = 1; step <= steps + 1; step++) {
    if (!(await sleepUnlessCancelled(milliseconds / (steps + 1), call))) return noAnswer
    if (step <= steps) peer.notifyProgress(call, step, value)
  }
  return value
}
