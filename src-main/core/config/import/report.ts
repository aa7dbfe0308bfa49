import { replaceControls } from '#base/plain-text.ts'
import type { ServerEntry } from './entry.ts'
import type { ImportPlan, PlannedServer } from './plan.ts'

type AddedServer = Extract<PlannedServer, { kind: 'added' }>

/** What a report calls things. */
interface ReportHints {
  /** The file that was read, as the user called it. */
  readonly label: string
  readonly configFile: string
  /** Whether nothing is written; then the exact JSON is shown as well. */
  readonly isDryRun: boolean
}

// Names hold texts of the file: in JSON, control characters and what turns the direction of writing are written as escapes.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
const longestLine = 400

/** What an import did or would do, for people: a summary, a line for each server, what to do about them. No secrets. */
export function toPlanText(plan: ImportPlan, hints: ReportHints): string {
  const added = plan.servers.filter((server) => server.kind === 'added')
  const lines = [
    toSummary(plan, hints),
    ...plan.servers.flatMap((server) => toServerLines(server, hints.label)),
    ...plan.notes,
  ].map(toPrintable)
  if (hints.isDryRun && added.length > 0) lines.push('It would be added as:', toSnippet(added))
  return `${lines.join('\n')}\n`
}

/** The servers as JSON to be put into a configuration; secrets are masked. */
export function toSnippet(added: readonly AddedServer[]): string {
  const servers = Object.fromEntries(added.map(({ as, masked }) => [as, masked]))
  const text = JSON.stringify({ servers }, null, 2)
  return text.replaceAll(unprintable, (character) => {
    if (character === '\n') return character
    const units = Array.from(Array(character.length).keys(), (index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

function toSummary({ servers }: ImportPlan, { label, configFile, isDryRun }: ReportHints): string {
  const count = (kind: PlannedServer['kind']): number =>
    servers.filter((server) => server.kind === kind).length
  if (servers.length === 0) return `${label} has no servers.`
  const added = count('added')
  const what = `${added} ${added === 1 ? 'server' : 'servers'} ${isDryRun ? 'would be added' : 'added'}`
  const others = [
    [count('known'), 'already there'],
    [count('left-out'), 'left out'],
  ] as const
  const rest = others.filter(([number]) => number > 0).map(([number, words]) => `, ${number} ${words}`)
  return `${what} to ${configFile}${rest.join('')}.`
}

function toServerLines(server: PlannedServer, label: string): string[] {
  const { kind, name, line } = server
  if (kind === 'known') return [`= ${name}: already there as "${server.as}".`]
  if (kind === 'left-out') return [`- ${name} (${label}:${line}): ${server.reason}`]
  const { as, masked, secrets, notes } = server
  const title = as === name ? as : `${as} (called "${name}" there)`
  return [`+ ${title}: ${toReach(masked)}`, ...toSecretNotes(secrets), ...notes].map((text, index) =>
    index === 0 ? text : `    ${text}`,
  )
}

function toReach({ command, args, url }: ServerEntry): string {
  const words = [command, ...(Array.isArray(args) ? (args as readonly unknown[]) : []), url]
  return words.filter((word) => typeof word === 'string').join(' ')
}

function toSecretNotes(places: readonly string[]): string[] {
  if (places.length === 0) return []
  const advice = 'better put each into an environment variable and write ${ITS_NAME} there'
  return [`In plain text, though it looks secret: ${places.join(', ')}; ${advice}.`]
}

function toPrintable(text: string): string {
  const line = replaceControls(text, '\uFFFD')
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line
}
