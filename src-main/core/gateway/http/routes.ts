import type { Target } from './guards/target.ts'

/** What is behind a path. `server`: the one server, by its name; the whole when undefined. */
export type Route =
  | { readonly kind: 'healthz' }
  | { readonly kind: 'mcp' | 'sse'; readonly server: string | undefined }
  | { readonly kind: 'messages'; readonly sessionId: string }
  | { readonly kind: 'profile'; readonly profile: string }
  | { readonly kind: 'unknown'; readonly isMcp: boolean }

const whole: Route = { kind: 'mcp', server: undefined }

/** What a target leads to. */
export function toRoute({ path, query }: Target): Route {
  const [first = '', second, third] = path
  if (path.length === 1) {
    if (first === 'mcp') return whole
    if (first === 'healthz') return { kind: 'healthz' }
    if (first === 'sse') return { kind: 'sse', server: undefined }
    if (first === 'messages') {
      return { kind: 'messages', sessionId: new URLSearchParams(query).get('sessionId') ?? '' }
    }
  }
  if (path.length === 3 && third !== undefined) {
    if ((first === 'mcp' || first === 'sse') && second === 'servers') return { kind: first, server: third }
    if (first === 'mcp' && second === 'profiles') return { kind: 'profile', profile: third }
  }
  return { kind: 'unknown', isMcp: ['mcp', 'sse', 'messages'].includes(first) }
}

/** Whether clients of MCP come there: they understand errors of JSON-RPC, and `auth: none` is for them. */
export function isMcpRoute(route: Route): boolean {
  return route.kind === 'unknown' ? route.isMcp : route.kind !== 'healthz'
}

/** The methods that a route knows. */
export function toMethods(route: Route): readonly string[] {
  switch (route.kind) {
    case 'healthz':
      return ['GET', 'HEAD']
    case 'mcp':
      return ['POST', 'GET', 'DELETE']
    case 'sse':
      return ['GET']
    case 'messages':
      return ['POST']
    default:
      return []
  }
}
