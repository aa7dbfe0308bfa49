// Tools that answer what they are given, and tools that change the tools.
import { toNumber, toText } from './json-values.ts'
import type { Tool, ToolSet } from './tool-set.ts'

function createNamedTool(name: string): Tool {
  return { name, run: ({ args }) => `${name} ${JSON.stringify(args)}` }
}

/** echo, blob, progress, add-tool, remove-tool and `extra` generated ones. */
export function createEchoTools(tools: ToolSet, extra: number): Tool[] {
  return [
    {
      name: 'echo',
      definition: {
        description: 'Answers with its text.',
        inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
      },
      run: ({ args }) => toText(args['text']),
    },
    { name: 'blob', run: ({ args }) => 'x'.repeat(toNumber(args['bytes'])) },
    {
      name: 'progress',
      run: ({ args, call, peer }) => {
        const times = toNumber(args['n'], 1)
        for (let step = 1; step <= times; step++) peer.notifyProgress(call, step, `step ${step}`)
        return `sent ${times}`
      },
    },
    {
      name: 'add-tool',
      run: ({ args, peer }) => {
        tools.add(createNamedTool(toText(args['name'])))
        peer.notify('notifications/tools/list_changed')
        return 'added'
      },
    },
    {
      name: 'remove-tool',
      run: ({ args, peer }) => {
        tools.remove(toText(args['name']))
        peer.notify('notifications/tools/list_changed')
        return 'removed'
      },
    },
    ...[...Array(extra).keys()].map((index) => createNamedTool(`extra-${index + 1}`)),
  ]
}
