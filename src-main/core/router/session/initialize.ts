import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client'
import { product } from '#contract/product.ts'
import { findMember, findPath, readString, type Span } from '#base/json-head.ts'
import { bytesAt, type RpcRequest } from '#base/json-rpc.ts'
import { splice } from '#base/splice.ts'
import type { Session } from './session.ts'

/** Takes in what a client says of itself when it opens its session, and gives the revision to speak with it. */
export function openSession(session: Session, { bytes, params }: RpcRequest): string {
  const capabilities = findMember(bytes, params, 'capabilities')
  const name = readString(bytes, findPath(bytes, params, ['clientInfo', 'name']))
  session.open(capabilities && bytesAt(bytes, capabilities), name)
  const asked = readString(bytes, findMember(bytes, params, 'protocolVersion'))
  session.revision = toVersion(asked)
  return session.revision
}

/** The revision to speak with a client: the one that it asks for, else the newest that opens with `initialize`. */
function toVersion(asked: string | undefined): string {
  return asked !== undefined && SUPPORTED_PROTOCOL_VERSIONS.includes(asked) ? asked : LATEST_PROTOCOL_VERSION
}

/** What a client of the whole is told (docs/interfaces.md, "What a client of the whole sees"). */
export function toWholeInitialize(protocolVersion: string, instructions: string | undefined): Buffer {
  const result = {
    protocolVersion,
    capabilities: {
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    },
    serverInfo: { name: product.id, title: product.name, version: product.version },
    instructions,
  }
  return Buffer.from(JSON.stringify(result))
}

/** What a client of one server is told: the server's own answer, in the revision that is spoken with the client. */
export function toServerInitialize(revision: string, initialize: Buffer): Buffer {
  const span = findMember(initialize, wholeOf(initialize), 'protocolVersion')
  if (span === undefined) return initialize
  return Buffer.concat(splice(initialize, [{ span, bytes: Buffer.from(JSON.stringify(revision)) }]))
}

/** The instructions of several servers as one text, each under its server's name; undefined when none has any. */
export function joinInstructions(
  servers: readonly { server: string; initialize: Buffer | undefined }[],
): string | undefined {
  const sections = servers.flatMap(({ server, initialize }) => {
    const text =
      initialize && readString(initialize, findMember(initialize, wholeOf(initialize), 'instructions'))
    return text === undefined || text.trim() === '' ? [] : [`# ${server}\n${text.trim()}`]
  })
  return sections.length === 0 ? undefined : sections.join('\n\n')
}

function wholeOf(bytes: Buffer): Span {
  return { start: 0, end: bytes.length }
}
