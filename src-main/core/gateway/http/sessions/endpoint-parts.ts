import type { Config } from '../../../config/config.ts'
import type { Logger } from '../../../observe/logger.ts'
import type { Router } from '../../../router/router.ts'
import type { BodyBudget } from '../bodies/body-budget.ts'
import type { HttpSession } from './http-session.ts'
import type { SessionTable } from './session-table.ts'
import type { SseSession } from './sse-session.ts'

/** What the endpoints of MCP need. */
export interface EndpointParts {
  readonly router: Router
  /** What holds for requests that come after a change. */
  readonly limits: Config['limits']
  readonly sessions: SessionTable<HttpSession | SseSession>
  readonly logger: Logger
  /** How long a client that does not keep up may hold up its servers, in milliseconds. */
  readonly stallMs: number
  readonly bodies: BodyBudget
  /** How long a body may take while we read it, in milliseconds. */
  readonly bodyMs: number
}
