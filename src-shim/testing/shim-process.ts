import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { readLines, until } from './fake-app.ts'

const main = path.join(import.meta.dirname, '..', 'main.ts')

/** The real shim in a process of its own, seen as an editor sees it. */
export class ShimProcess {
  readonly child: ChildProcess
  readonly lines: string[] = []
  readonly exited: Promise<number | string>
  stderr = ''
  exit: number | string | undefined

  /** With `readsOutput` false nobody reads the shim's stdout until `readOutput` is called. */
  constructor(args: readonly string[], readsOutput = true) {
    this.child = spawn(process.execPath, [main, ...args], { stdio: 'pipe' })
    this.child.stdin?.on('error', () => undefined)
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
    })
    if (readsOutput) this.readOutput()
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.exit = code ?? signal ?? 'unknown'
        resolve(this.exit)
      })
    })
  }

  readOutput(): void {
    if (!this.child.stdout) throw new Error('No stdout.')
    readLines(this.child.stdout, (line) => {
      this.lines.push(line)
    })
  }

  send(...lines: readonly string[]): void {
    this.child.stdin?.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** Ends stdin; resolves to the exit code and the time that the exit took, in milliseconds. */
  async end(): Promise<{ readonly code: number | string; readonly milliseconds: number }> {
    const start = performance.now()
    this.child.stdin?.end()
    const code = await this.exited
    return { code, milliseconds: performance.now() - start }
  }

  /** Waits for a line that contains `text`. */
  async find(text: string): Promise<string> {
    let found: string | undefined
    await until(() => (found = this.lines.find((line) => line.includes(text))) !== undefined)
    return found ?? ''
  }
}
