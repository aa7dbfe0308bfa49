// Tools that ask the client during a call. Every question carries the tag that the caller gave.
import { cut } from './json-span.ts'
import { noAnswer } from './kit.ts'
import { toNumber, toText, type JsonObject } from './json-values.ts'
import type { Peer } from './peer.ts'
import { sleepUnlessCancelled, toReport, type Tool, type ToolCall } from './tool-set.ts'

/** Makes the params of a question from the caller's tag. */
type ToParams = (tag: string) => JsonObject

const questions: Readonly<Record<string, { readonly method: string; readonly toParams: ToParams }>> = {
  sampling: {
    method: 'sampling/createMessage',
    toParams: (tag) => ({
      messages: [{ role: 'user', content: { type: 'text', text: tag } }],
      maxTokens: 10,
    }),
  },
  elicitation: {
    method: 'elicitation/create',
    toParams: (tag) => ({ message: tag, requestedSchema: { type: 'object', properties: {} } }),
  },
  roots: { method: 'roots/list', toParams: (tag) => ({ _meta: { tag } }) },
  vendor: { method: 'vendor/question', toParams: (tag) => ({ tag }) },
}

function toRawParams(toParams: ToParams, args: JsonObject): string {
  const params = toParams(toText(args['tag']))
  if (args['progressToken'] === undefined) return JSON.stringify(params)
  const meta = { ...(params['_meta'] as JsonObject | undefined), progressToken: args['progressToken'] }
  return JSON.stringify({ ...params, _meta: meta })
}

function createAskTool(name: string): Tool {
  const { method, toParams } = questions[name]!
  return {
    name: `ask-${name}`,
    run: async ({ args, call, peer }) => {
      if (!(await sleepUnlessCancelled(toNumber(args['delayMs']), call))) return noAnswer
      const params = toRawParams(toParams, args)
      const times = toNumber(args['times'], 1)
      const answers = await Promise.all(Array.from({ length: times }, () => peer.ask(method, params)))
      return answers.map(String).join('\n')
    },
  }
}

/** Asks for sampling, takes the question back after `ms`, and waits `graceMs` for an answer that should not come. */
async function askThenCancel({ args, peer, call }: ToolCall): Promise<unknown> {
  const id = peer.nextId()
  const params = toRawParams(questions['sampling']!.toParams, args)
  let answer: string | null = null
  void peer.ask('sampling/createMessage', params, id).then((line) => {
    answer = line.toString('utf8')
  })
  if (!(await sleepUnlessCancelled(toNumber(args['ms'], 100), call))) return noAnswer
  peer.notify('notifications/cancelled', { requestId: Number(id), reason: toText(args['tag']) })
  if (!(await sleepUnlessCancelled(toNumber(args['graceMs'], 100), call))) return noAnswer
  return toReport({ requestId: id, answer })
}

const lateAnswers: string[] = []

/** Answers at once and asks `ms` later, when no call need be in flight; `late-answers` tells what came of it. */
function askLater({ args, peer }: ToolCall): string {
  const { method, toParams } = questions[toText(args['kind'], 'sampling')]!
  const params = toRawParams(toParams, args)
  setTimeout(
    () => {
      void peer.ask(method, params).then((line) => lateAnswers.push(line.toString('utf8')))
    },
    toNumber(args['ms'], 50),
  )
  return 'will ask'
}

/** Progress that the client sent about our questions: raw params. */
function listProgress(peer: Peer): string {
  const progress = peer.notifications.filter(
    (line) => String(cut(line, 'method')) === '"notifications/progress"',
  )
  return toReport(progress.map((line) => String(cut(line, 'params'))))
}

/** ask-sampling, -elicitation, -roots and -vendor, ask-then-cancel, ask-later, late-answers, question-progress. */
export const askerTools: readonly Tool[] = [
  ...Object.keys(questions).map(createAskTool),
  { name: 'ask-then-cancel', run: askThenCancel },
  { name: 'ask-later', run: askLater },
  { name: 'late-answers', run: () => toReport(lateAnswers) },
  { name: 'question-progress', run: ({ peer }) => listProgress(peer) },
]
