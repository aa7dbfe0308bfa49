// The echo server, and what asks its client, behind Streamable HTTP and HTTP+SSE. Options: those of echo.ts and http-options.ts.
import { askerTools } from './asker-tools.ts'
import { readEchoOptions } from './echo-options.ts'
import { createEchoPlan } from './echo-plan.ts'
import { toHttpOptions } from './http-options.ts'
import { serveHttp } from './http-server.ts'
import { readServerOptions } from './kit.ts'

const given = readServerOptions()
serveHttp(createEchoPlan(readEchoOptions(given), ...askerTools), toHttpOptions(given))
