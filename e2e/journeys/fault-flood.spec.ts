// A server that prints 200 MB on stderr while it answers calls.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { measureCalls, measureUntil } from '../clients/latency.ts'
import { eventually, waitForTool } from '../clients/views.ts'
import { median, tellFigure } from '../hosts/figure.ts'
import { startHeadless, toServerEntry } from '../hosts/headless.ts'
import { isRunning, readMemory } from '../hosts/processes.ts'

const megabyte = 1024 * 1024
const bytes = 200_000_000

it('1,000 calls are answered meanwhile, memory and log stay small, and what was dropped is counted', async () => {
  await using app = await startHeadless({ config: { servers: { noisy: toServerEntry('faulty.ts') } } })
  const client = await app.openSocket()
  await client.initialize()
  await waitForTool(client, 'noisy__flood')
  const args = { ms: 1, value: 'x' }
  await measureCalls(200, client, 'noisy__sleep', args)
  const quiet = await measureCalls(1000, client, 'noisy__sleep', args)

  const memory = readMemory(app.pid)
  let most = memory
  const pid = Number(await client.callText('noisy__flood', { bytes, line: 'noise '.repeat(20) }))
  const noisy = await measureUntil(
    (calls) => {
      most = Math.max(most, readMemory(app.pid))
      return calls >= 1000 && !isRunning(pid)
    },
    client,
    'noisy__sleep',
    args,
  )
  const [before, during] = [median(quiet), median(noisy)]
  tellFigure('p50 of a call of 1 ms without the flood', before, 'ms')
  tellFigure('p50 of a call of 1 ms during it', during, 'ms')
  tellFigure('total of 1,000 calls, with to without the flood', sum(noisy.slice(0, 1000)) / sum(quiet), 'x')
  tellFigure('slowest call during it', Math.max(...noisy), 'ms')
  tellFigure('growth of memory', (most - memory) / megabyte, 'MiB')
  expect(sum(noisy.slice(0, 1000))).toBeLessThan(10 * sum(quiet))
  expect(Math.max(...noisy)).toBeLessThan(2000)
  expect(most - memory).toBeLessThan(150 * megabyte)

  const folder = path.join(app.dataDir, 'logs/noisy')
  const files = (): string[] => readdirSync(folder).map((name) => path.join(folder, name))
  const readLog = (): string =>
    files()
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
  await eventually(readLog).toMatch(/\[STDERR\] [\d,]+ lines \(.*\) dropped/)
  const size = sum(files().map((file) => statSync(file).size))
  tellFigure('size of the log', size / megabyte, 'MiB')
  expect(size).toBeLessThan(100 * megabyte)
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
