import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Message } from '../clients/message.ts'
import { RawAnswer, type RawClient } from '../clients/raw-client.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import type { JsonObject } from '../servers/json-values.ts'

const everything: JsonObject = { sampling: {}, elicitation: {}, roots: {} }
const kinds = ['sampling', 'elicitation', 'roots'] as const
const methods = ['sampling/createMessage', 'elicitation/create', 'roots/list']

let app: Headless | undefined

afterEach(async () => {
  await app?.dispose()
  app = undefined
})

async function start(isolation: string): Promise<Headless> {
  app = await startHeadless({ config: { servers: { asker: toServerEntry('asker.ts', {}, { isolation }) } } })
  return app
}

/** A client that answers every question with its own label. */
async function openClient(host: Headless, label: string, capabilities = everything): Promise<RawClient> {
  const client = host.openShim({ client: label })
  for (const method of methods) {
    client.onQuestion(method, () => new RawAnswer('result', JSON.stringify({ answeredBy: label })))
  }
  await client.initialize(capabilities)
  return client
}

function openBoth(host: Headless): Promise<[RawClient, RawClient]> {
  return Promise.all([openClient(host, 'left'), openClient(host, 'right')])
}

function readPid(client: RawClient): Promise<string> {
  return client.callText('asker__pid')
}

async function readPids(...clients: RawClient[]): Promise<string[]> {
  return Promise.all(clients.map(readPid))
}

/** Has the server ask during a call of this client; gives the server's view of the answer. */
async function ask(
  client: RawClient,
  tag: string,
  args: JsonObject = {},
  kind = 'sampling',
): Promise<string> {
  return client.callText(`asker__ask-${kind}`, { tag, ...args })
}

function tagOf(question: Message): string {
  return /(left|right)[ \w]*/.exec(question.line.toString('utf8'))?.[0] ?? question.excerpt()
}

/** 100 questions during calls of each client, of all kinds, all at once: who was asked, and who answered. */
async function expectOwnQuestions(left: RawClient, right: RawClient): Promise<void> {
  const askedBefore = [left.questions.length, right.questions.length]
  const askHundred = (client: RawClient, label: string): Promise<string[]> =>
    Promise.all(
      [...Array(100).keys()].map((index) =>
        ask(client, `${label} ${index}`, { delayMs: index % 7 }, kinds[index % kinds.length]),
      ),
    )
  const answers = await Promise.all([askHundred(left, 'left'), askHundred(right, 'right')])
  for (const [index, label] of ['left', 'right'].entries()) {
    expect(answers[index]!.filter((line) => !line.includes(`"answeredBy":"${label}"`))).toEqual([])
    const asked = [left, right][index]!.questions.slice(askedBefore[index])
    expect(asked).toHaveLength(100)
    expect(asked.map(tagOf).filter((tag) => !tag.startsWith(label))).toEqual([])
    expect(new Set(asked.map(tagOf)).size).toBe(100)
  }
}

describe('isolation auto', () => {
  it('the first asker keeps the running process, others get their own; 200 questions, none to the wrong one', async () => {
    const host = await start('auto')
    const [left, right] = await openBoth(host)
    const [running, same] = await readPids(left, right)
    expect(same).toBe(running)
    expect(await ask(left, 'left first')).toContain('"answeredBy":"left"')
    expect(right.questions).toEqual([])
    const [leftPid, rightPid] = await readPids(left, right)
    expect(leftPid).toBe(running)
    expect(rightPid).not.toBe(running)
    await expectOwnQuestions(left, right)
    expect(await readPids(left, right)).toEqual([leftPid, rightPid])
  })

  it('a first question with calls of both in flight is refused and says why; then each has its own process', async () => {
    const host = await start('auto')
    const [left, right] = await openBoth(host)
    const busy = right.callText('asker__sleep', { ms: 600, value: 'undisturbed' })
    await delay(100)
    const answer = JSON.parse(await ask(left, 'left first')) as { error?: { code: number; message: string } }
    expect(answer.error?.message).toMatch(/client|session|editor/i)
    expect(answer.error?.message).toMatch(/which|several|more than one|both|two/i)
    expect(left.questions).toEqual([])
    expect(right.questions).toEqual([])
    expect(await busy).toBe('undisturbed')
    const [leftPid, rightPid] = await readPids(left, right)
    expect(leftPid).not.toBe(rightPid)
    await expectOwnQuestions(left, right)
  })

  it('is remembered when the app starts again', async () => {
    const host = await start('auto')
    const [left, right] = await openBoth(host)
    await ask(left, 'left first')
    const before = await readPids(left, right)
    await host.restart()
    const [newLeft, newRight] = await openBoth(host)
    const after = await readPids(newLeft, newRight)
    expect(new Set([...before, ...after]).size).toBe(4)
    await expectOwnQuestions(newLeft, newRight)
  })

  it('does not promote a server that never asks', async () => {
    const host = await start('auto')
    const [left, right] = await openBoth(host)
    await Promise.all([left, right].map((client) => client.callText('asker__sleep', { ms: 50, value: 'x' })))
    expect(new Set(await readPids(left, right)).size).toBe(1)
  })

  it('ends the process of a client that has gone', async () => {
    const host = await start('auto')
    const [left, right] = await openBoth(host)
    await ask(left, 'left first')
    const pid = Number(await readPid(right))
    await right.close()
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false)
    expect(await ask(left, 'left again')).toContain('"answeredBy":"left"')
  })
})

describe('isolation shared', () => {
  it('never promotes; a question goes where the only call in flight is', async () => {
    const host = await start('shared')
    const [left, right] = await openBoth(host)
    const running = await readPid(left)
    for (const [label, client] of Object.entries({ left, right })) {
      expect(await ask(client, `${label} alone`)).toContain(`"answeredBy":"${label}"`)
    }
    expect(await readPids(left, right)).toEqual([running, running])
    const busy = right.callText('asker__sleep', { ms: 500, value: 'undisturbed' })
    await delay(100)
    expect(JSON.parse(await ask(left, 'left disputed'))).toHaveProperty('error')
    expect(await busy).toBe('undisturbed')
    expect(await readPids(left, right)).toEqual([running, running])
  })
})

describe('isolation session', () => {
  it('gives each client its own process from the start', async () => {
    const host = await start('session')
    const [left, right] = await openBoth(host)
    expect(new Set(await readPids(left, right)).size).toBe(2)
    await expectOwnQuestions(left, right)
  })
})

describe('what a client cannot do', () => {
  it.each(kinds)('%s: the server is answered with an error, the client is not asked', async (kind) => {
    const host = await start('auto')
    const plain = await openClient(host, 'left', {})
    const answer = JSON.parse(await ask(plain, 'left', {}, kind)) as { error?: { message: string } }
    expect(answer.error?.message).toBeTruthy()
    expect(plain.questions).toEqual([])
  })

  it('a server hears of cancelled questions only what it cancelled itself', async () => {
    const host = await start('session')
    const client = await openClient(host, 'left')
    client.onQuestion('sampling/createMessage', async () => {
      await delay(300)
      return {}
    })
    const report = await client.callText('asker__ask-then-cancel', { tag: 'left', ms: 100, graceMs: 500 })
    const cancelled = await client.waitForNotification('notifications/cancelled')
    expect(cancelled.raw('params', 'requestId')).toEqual(client.questions[0]?.id)
    expect(cancelled.get('params', 'reason')).toBe('left')
    expect(JSON.parse(report)).toHaveProperty('requestId')
  })

  it('progress about a question reaches the server that asked', async () => {
    const host = await start('session')
    const client = await openClient(host, 'left')
    client.onQuestion('sampling/createMessage', (question) => {
      const token = question.get('params', '_meta', 'progressToken')
      client.notify('notifications/progress', { progressToken: token, progress: 1 })
      return {}
    })
    await ask(client, 'left', { progressToken: 'of the server' })
    const heard = JSON.parse(await client.callText('asker__question-progress')) as string[]
    expect(heard).toEqual(['{"progressToken":"of the server","progress":1}'])
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
