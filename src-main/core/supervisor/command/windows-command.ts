import path from 'node:path'
import type { CommandFiles } from './command-files.ts'

/** A file to start with its arguments. */
export interface WindowsCommand {
  readonly command: string
  readonly args: readonly string[]
  /** The arguments are quoted already, as cmd.exe wants it. */
  readonly verbatim?: boolean
}

/** What there is besides the command. */
export interface WindowsPlaces {
  readonly files: CommandFiles
  /** Path of cmd.exe. */
  readonly shell: string
  /** The node.exe that PATH leads to. */
  findNode(): Promise<string | undefined>
}

/**
 * What Windows can start for a file that was found. Batch files cannot be started by themselves: those that npm wrote
 * are replaced by the script that they would run, others go through cmd.exe. Rejects, completing "… because", when
 * their arguments cannot be quoted for that.
 */
export async function toWindowsCommand(
  file: string,
  args: readonly string[],
  places: WindowsPlaces,
): Promise<WindowsCommand> {
  if (!/\.(?:cmd|bat)$/i.test(file)) return { command: file, args }
  const shim = parseShim(await places.files.readStart(file, 64 * 1024))
  const script = shim && path.win32.join(path.win32.dirname(file), shim.script)
  if (shim === undefined || script === undefined || !(await places.files.canRun(script))) {
    return toShellCommand(file, args, places.shell)
  }
  const beside = path.win32.join(path.win32.dirname(file), 'node.exe')
  const node = (await places.files.canRun(beside)) ? beside : await places.findNode()
  if (node === undefined) return toShellCommand(file, args, places.shell)
  return { command: node, args: [...shim.nodeArgs, script, ...args] }
}

/** The Node script that a batch file runs. */
interface Shim {
  readonly nodeArgs: readonly string[]
  /** From the folder of the batch file. */
  readonly script: string
}

/** Variables that the batch files of npm set for their own use. */
const shimVariables = /^(?:dp0|_prog|PATHEXT|NODE_EXE|NP[MX](?:_PREFIX)?(?:_NP[MX])?(?:_CLI)?_JS)$/i

/** Lines of which batch files of npm are made; one with others does more than to start a script. */
const shimLine =
  /^[\s@()]*(?:$|::|rem\b|echo off|(?:set|end)local\b|goto\b|:\w|if\b|else\b|\)|set\b|for \/f\b|call :find_dp0|exit \/b|"?%|node[ \t]|title\b)/i

/** The script of a batch file that npm, or its cmd-shim, wrote; undefined for another or when it does more than that. */
export function parseShim(text: string): Shim | undefined {
  if (text.split(/\r?\n/).some((line) => !shimLine.test(line))) return undefined
  const settings = [...text.matchAll(/^[ \t]*@?SET[ \t]+"?([^=\r\n]+)=([^"\r\n]*)/gim)]
  if (settings.some(([, name = '']) => !shimVariables.test(name))) return undefined
  // npm.cmd, npx.cmd: the script stands in a variable, which the last line names.
  const [, variable] = /^"%NODE_EXE%" "%(\w+)%" %\*/m.exec(text) ?? []
  if (variable !== undefined) {
    const value = settings.find(([, name]) => name === variable)?.[2]
    const [, script] = /^%~dp0\\([^"%]+)$/.exec(value ?? '') ?? []
    return script === undefined ? undefined : { nodeArgs: [], script }
  }
  // Of packages: "%_prog%", or node.exe beside it, then flags and the script.
  const generated =
    /"(?:%_prog%|%~dp0\\node\.exe)"[ \t]+([^"%\r\n]*?)[ \t]*"%(?:dp0%|~dp0)\\([^"%\r\n]+)"[ \t]+%\*/
  const [, flags = '', script] = generated.exec(text) ?? []
  const isNode = /^[ \t]*(?:SET "_prog=node"|node[ \t])/im.test(text)
  return script === undefined || !isNode
    ? undefined
    : { nodeArgs: flags.split(/[ \t]+/).filter((flag) => flag !== ''), script }
}

/** Everything that means something to cmd.exe. */
const special = /[()\][%!^"`<>&|;, *?]/g

function toShellCommand(file: string, args: readonly string[], shell: string): WindowsCommand {
  // A line end would end the command, and nothing quotes it.
  if ([file, ...args].some((text) => /[\r\n\0]/.test(text))) {
    throw new Error(
      `one of its arguments has a line break, which cannot be given to the batch file “${path.win32.basename(file)}”`,
    )
  }
  const line = [file.replace(special, '^$&'), ...args.map((argument) => quoteTwice(argument))].join(' ')
  return { command: shell, args: ['/d', '/s', '/c', `"${line}"`], verbatim: true }
}

/** An argument that arrives as it is: read by cmd.exe once for its line, once for the batch file's `%*`. */
function quoteTwice(argument: string): string {
  // As the C library reads it: backslashes are plain unless a quote follows.
  const quoted = `"${argument.replace(/(?<!\\)(\\*)"/g, '$1$1\\"').replace(/(?<!\\)(\\+)$/, '$1$1')}"`
  return quoted.replace(special, '^$&').replace(special, '^$&')
}
