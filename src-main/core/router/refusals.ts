import { rpcCodes, type RpcError } from '#base/json-rpc.ts'
import type { RequestFailure } from '../upstream/connection/carrier.ts'
import type { ServerUnavailable } from '../upstream/server-unavailable.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { toStateText } from '../upstream/upstream-state.ts'

// Errors that Patchbay itself answers with. Each has a JSON-RPC code, a sentence, and in data a closed code of ours.
// -32000 to -32019 are free for implementations (MCP 2026-07-28, "Error codes"); -32001 is what the SDKs use for time-outs.

const serverError = -32000
const requestTimeout = -32001
const resourceNotFound = -32002

/** A server cannot take a call now. */
export function toUnavailable(error: ServerUnavailable): RpcError {
  const { server, state, message } = error
  return { code: serverError, message, data: { code: 'server-unavailable', server, state } }
}

/** A server was lost with a call in flight on it. */
export function toLost(upstream: Upstream, method: string, reason: string): RpcError {
  const server = upstream.server.name
  const { state } = upstream.state
  const message = `The server “${server}” was lost before it answered ${method}: ${reason}. The call may or may not have taken effect. ${toStateText(server, upstream.state)}`
  return { code: serverError, message, data: { code: 'server-lost', server, state } }
}

/** A server that goes on did not take a call, or gave no answer to it. */
export function toFailed(upstream: Upstream, method: string, { kind, reason }: RequestFailure): RpcError {
  const server = upstream.server.name
  const isUntouched = kind !== 'failed'
  const effect = isUntouched ? 'The call has had no effect.' : 'The call may or may not have taken effect.'
  const message = `The server “${server}” ${isUntouched ? 'did not take' : 'did not answer'} ${method}: ${reason}. ${effect}`
  const code = isUntouched ? 'call-refused' : 'call-failed'
  return { code: serverError, message, data: { code, server } }
}

/** A server took longer than it is given. */
export function toTimedOut(server: string, method: string, seconds: number): RpcError {
  const message = `The server “${server}” did not answer ${method} within ${seconds} s (timeouts.requestSeconds). The call may or may not have taken effect.`
  return { code: requestTimeout, message, data: { code: 'timed-out', server } }
}

/** A server answered with neither a result nor an error. */
export function toEmptyAnswer(server: string, method: string): RpcError {
  const message = `The server “${server}” answered ${method} with neither a result nor an error.`
  return { code: rpcCodes.internalError, message, data: { code: 'empty-answer', server } }
}

/** A tool that is switched off. */
export function toSwitchedOff(server: string, tool: string): RpcError {
  const message = `The tool “${tool}” of the server “${server}” is switched off in Patchbay. Switch it on there to use it.`
  return { code: rpcCodes.invalidParams, message, data: { code: 'tool-off', server } }
}

/** A name that no server has. */
export function toUnknownName(what: 'tool' | 'prompt', name: string): RpcError {
  const message = `There is no ${what} “${name.slice(0, 200)}”. It may have been removed; ask for the list again.`
  return { code: rpcCodes.invalidParams, message, data: { code: `unknown-${what}` } }
}

/** A URI that no server has (MCP 2025-11-25, "Resources", "Error Handling"). */
export function toUnknownUri(uri: string): RpcError {
  const message = `No server has the resource “${uri.slice(0, 500)}”.`
  return { code: resourceNotFound, message, data: { code: 'unknown-resource', uri: uri.slice(0, 2000) } }
}

/** A method that nobody here knows. */
export function toUnknownMethod(method: string): RpcError {
  return {
    code: rpcCodes.methodNotFound,
    message: `Patchbay does not know which server “${method.slice(0, 200)}” is for.`,
  }
}

/** A request that lacks what it needs. */
export function toInvalidParams(message: string): RpcError {
  return { code: rpcCodes.invalidParams, message }
}

/** A request at the wrong time. */
export function toInvalidRequest(message: string): RpcError {
  return { code: rpcCodes.invalidRequest, message }
}

/** Why a question of a server was not put to any client. */
export const questionRefusals = {
  'no-client': 'No client of Patchbay is using this server now, so there is nobody to ask.',
  'ambiguous-client':
    'Several clients have calls in flight on this server and nothing tells which of them the question is for, so it was put to none. From now on each client gets a copy of the server of its own: the same call works when it is made again.',
  'shared-server':
    'Several clients have calls in flight on this server and nothing tells which of them the question is for, so it was put to none. The configuration says isolation: shared; with auto or session each client gets a copy of its own.',
  'client-gone': 'The client ended its session before it answered.',
  'timed-out': 'The client did not answer in time.',
} as const

/** The refusal of a server's question. */
export function toQuestionRefusal(code: keyof typeof questionRefusals): RpcError {
  const number = code === 'timed-out' ? requestTimeout : serverError
  return { code: number, message: questionRefusals[code], data: { code } }
}

/** The refusal of a question that the client cannot handle. */
export function toLacking(client: string, capability: string): RpcError {
  const message = `The client “${client}” does not offer ${capability}.`
  return { code: rpcCodes.methodNotFound, message, data: { code: 'capability-missing' } }
}
